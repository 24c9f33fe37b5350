"""A student on a laptop types what docs/student.md says, from the zip to a check that passes.

Stood in for: ``python3`` makes a virtual environment in which the libraries are installed already, so that pip has nothing to fetch but the
wheel, which it installs for real.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from fresh_machine import ASSIGNMENT, NOTEBOOK, ROOT, begun, commands, kernel, printed, quiet_environment, run

PAGE = (ROOT / "docs" / "student.md").read_text(encoding="utf-8")
HEADING = "On a laptop"
TOKEN = "of-this-test"
HERE = Path(__file__).resolve().parent
PYTHON = """#!{python}
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
if sys.argv[1:3] != ["-m", "venv"]:
    import os
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
from fresh_machine import environment
(folder,) = sys.argv[3:]
environment(Path(folder).absolute(), Path({site!r}), pip=True)
"""


@pytest.fixture
def laptop(tmp_path: Path, site: Path, packed: Path) -> tuple[Path, dict[str, str]]:
    """A folder with the downloaded zip, and the variables of its terminal."""
    downloads, programs, settings = tmp_path / "downloads", tmp_path / "programs", tmp_path / "settings"
    for folder in (downloads, programs, settings):
        folder.mkdir()
    (downloads / packed.name).symlink_to(packed)
    (programs / "python3").write_text(PYTHON.format(python=sys.executable, here=str(HERE), site=str(site)))
    (programs / "python3").chmod(0o755)
    # what a desktop decides: no browser opens here, and this account may be root.
    choices = {"open_browser": False, "allow_root": True, "port": 0, "ip": "127.0.0.1"}
    (settings / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": choices}))
    own = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "JUPYTER_CONFIG_DIR": str(settings), "JUPYTER_TOKEN": TOKEN}
    return downloads, quiet_environment(tmp_path, no_proxy="127.0.0.1", JUPYTER_RUNTIME_DIR=str(tmp_path / "runtime"), **own)


@contextmanager
def served(command: list[str], cwd: Path, variables: dict[str, str]) -> Iterator[str]:
    """Start a Jupyter server; yield its address once it answers."""
    log = cwd.parent / "server.log"
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=cwd, env=variables, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        for _ in range(1200):
            told = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text(errors="replace"))
            assert server.poll() is None, log.read_text(errors="replace")
            if told:
                break
            time.sleep(0.25)
        else:
            raise AssertionError(log.read_text(errors="replace"))
        yield told[0]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def test_what_the_page_says_leads_to_a_check_that_passes(laptop: tuple[Path, dict[str, str]]) -> None:
    folder, variables = laptop
    *typed, last = commands(PAGE, HEADING)
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join([*typed, "pwd"])], cwd=folder, env=variables, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    here = Path(done.stdout.strip().splitlines()[-1])
    assert here.name == ASSIGNMENT and "Successfully installed vislab-" in done.stdout, done.stdout
    with served(shlex.split(last), here, variables) as address:
        asked = urllib.request.Request(f"{address}api/contents/{NOTEBOOK}.ipynb?content=0", headers={"Authorization": f"token {TOKEN}"})
        assert json.loads(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=60).read())["name"]
    with kernel(here / ".venv" / "bin" / "python", variables, here) as manager:
        ran = run(begun(), manager)
    assert printed(ran, "bootstrap") == "" and "pose.norm_to_pixel" in printed(ran, "check")


def test_the_bundles_own_page_says_the_same() -> None:
    released = (ROOT / "release" / ASSIGNMENT / "README.md").read_text(encoding="utf-8")
    typed = commands(PAGE, HEADING)
    for line in typed[2:]:
        assert line.replace("python3 ", "python ") in released, f"{line!r} stands in docs/student.md alone"


def test_a_page_without_its_commands_is_a_failure() -> None:
    assert commands("# A\n\n```sh\none\n```\n## B\n\n```sh\ntwo\n\nthree\n```\n", "B") == ["two", "three"]
    for heading in ("A", "C"):
        with pytest.raises(LookupError, match=f"no block of commands below '{heading}'"):
            commands("## A\n\nwords\n\n## B\n\n```sh\ntwo\n```\n", heading)


def test_the_notebook_that_is_run_is_the_students() -> None:
    part = begun()
    assert [cell.metadata.vislab.get("check") for cell in part.cells if "check" in cell.metadata.get("vislab", {})] == [
        "pose.norm_to_pixel"
    ]
    released = nbformat.read(ROOT / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", as_version=4).cells[: len(part.cells)]
    changed = [mine.id for mine, theirs in zip(part.cells, released) if mine.source != theirs.source]
    assert changed == [f"{NOTEBOOK}-exercise-pose-norm_to_pixel"]
