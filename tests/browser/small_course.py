"""A course of the tutorial's one exercise, walked by real programs: built, handed in, judged in the sandbox, entered into a gradebook."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from tutorial_page import files, write_files

from autograder.authoring.build import build_release, build_source
from autograder.authoring.course import Course as Published
from autograder.engine.course import Course
from autograder.engine.receive import receive
from autograder.exercise.assignment import load_assignment
from autograder.gradebook.run import SHIPPED_CONFIG, autograde, generate_assignment, generate_feedback

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENT, NOTEBOOK, EXERCISE = "a9_boxes", "1_overlap", "boxes.box_iou"
# put together while it runs, so that it does not stand in the source.
PRINTED = "printed while it was graded"
ANSWER = "Nowhere: it is 0 all around, so nothing is learnt from boxes that miss."
TOKEN = "of-this-test"
CONFIG = """from pathlib import Path
load_subconfig({name!r}, path={folder!r})
c.CoursePart.assignments_root = str(Path(__file__).resolve().parent / "assignments")
"""


def made(root: Path) -> Path:
    """Write the tutorial's files into a folder, and build ``source/`` and ``release/`` there."""
    write_files(root)
    published = Published("Vislab", "vislab", "https://github.com/vislab-course/vislab")
    assignment = load_assignment(root / "assignments" / ASSIGNMENT)
    build_source(assignment, published, root)
    build_release(assignment, published, root)
    return root


def answer_of(folder: str, stem: str) -> str:
    """Return an answer that the tutorial ships: of ``accepted`` or of ``mutants``."""
    return files()[f"assignments/{ASSIGNMENT}/{folder}/box_iou/{stem}.py"]


def hand_in(root: Path, student: str, code: str) -> None:
    """Put a released notebook with this answer to the exercise, and one to the question, where submissions arrive."""
    notebook = nbformat.read(root / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", as_version=4)
    for cell in notebook.cells:
        if "exercise" in cell.metadata.get("vislab", {}):
            cell.source = code
        elif cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "markdown":
            cell.source = ANSWER
    folder = root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{NOTEBOOK}.ipynb")


def graded(root: Path) -> Path:
    """Hand in for two students and grade them: ada's answer is right and prints, ben's is one of the tutorial's mutants."""
    (root / "nbgrader_config.py").write_text(CONFIG.format(name=SHIPPED_CONFIG.name, folder=str(SHIPPED_CONFIG.parent)))
    generate_assignment(root, ASSIGNMENT)
    hand_in(root, "ada", answer_of("accepted", "column_by_column") + f"\n\nprint(*{PRINTED.split()})\n")
    hand_in(root, "ben", answer_of("mutants", "nan_without_area"))
    course = Course(root, root / "assignments")
    assert not receive(course, ASSIGNMENT).failed
    # nothing is in the ledgers yet, so nbgrader's step runs both in the sandbox beside the judge.
    entered = autograde(root, ASSIGNMENT)
    assert (entered.done, entered.log) == (("ada", "ben"), ()), entered
    feedback(root)
    return root


def feedback(root: Path, *, outputs: bool = False) -> None:
    """Write everybody's feedback page anew, with what the graded run printed where that is asked for."""
    (root / "nbgrader_config.py").write_text(
        CONFIG.format(name=SHIPPED_CONFIG.name, folder=str(SHIPPED_CONFIG.parent)) + f"c.FeedbackView.show_outputs = {outputs}\n"
    )
    assert generate_feedback(root, ASSIGNMENT).failed == ()


def feedback_page(root: Path, student: str) -> Path:
    """Return the page that a student gets."""
    return root / "feedback" / student / ASSIGNMENT / f"{NOTEBOOK}.html"


@contextmanager
def jupyter_lab(folder: Path, scratch: Path) -> Iterator[str]:
    """Start JupyterLab in a folder, on a free port of loopback; yield its address once it answers.

    Args:
        folder: what it shows; nbgrader's settings are read there.
        scratch: an empty folder for all that it remembers.
    """
    settings, home = scratch / "settings", scratch / "home"
    for place in (settings, home):
        place.mkdir(parents=True)
    choices = {"open_browser": False, "allow_root": True, "port": 0, "ip": "127.0.0.1", "root_dir": str(folder)}
    (settings / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": choices}))
    own = settings / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    own.mkdir(parents=True)
    # no question about news, and nobody asked for any.
    (own / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    variables = {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_CONFIG_DIR": str(settings),
        "JUPYTER_DATA_DIR": str(scratch / "data"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
        "JUPYTER_TOKEN": TOKEN,
        "OMP_NUM_THREADS": "1",
        "no_proxy": "127.0.0.1",
    }
    log = scratch / "server.log"
    with log.open("wb") as file:
        command = [sys.executable, "-m", "jupyterlab"]
        server = subprocess.Popen(command, cwd=folder, env=kept | variables, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        for _ in range(1200):
            told = re.search(r"http://127\.0\.0\.1:[1-9]\d*/", log.read_text(errors="replace"))
            assert server.poll() is None, log.read_text(errors="replace")
            if told:
                break
            time.sleep(0.25)
        else:
            raise AssertionError(log.read_text(errors="replace"))
        yield told[0]
    finally:
        # once it is asked it ends its kernels, which are in groups of their own.
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(timeout=60)


def student_folder(root: Path, folder: Path) -> Path:
    """Copy what students get of the assignment."""
    shutil.copytree(root / "release" / ASSIGNMENT, folder)
    return folder
