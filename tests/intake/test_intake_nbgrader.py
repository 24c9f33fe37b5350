"""Cleaned notebooks against the real nbgrader: its release, its sanitising, its gradebook."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from damaged_notebooks import DAMAGES, Damage
from editor_notebooks import EDITORS
from intake_notebooks import ANSWER_HEAD, ANSWER_L2, ANSWER_SOFT, SYMBOLS, as_bytes, cell_of, put, release_notebook, solved, stripped
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.intake.course import intake_assignment
from autograder.intake.repair import clean_notebook
from autograder.intake.template import Template, load_templates

MARKED = {
    "solution-pose-soft_argmax": ANSWER_SOFT,
    "solution-pose-masked_l2": ANSWER_L2,
    "solution-pose-head": ANSWER_HEAD,
}
ANSWER_MARKS = ("### BEGIN SOLUTION", "### END SOLUTION")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A course whose release was made by nbgrader itself."""
    root = tmp_path_factory.mktemp("course")
    source = release_notebook()
    for cell in source.cells:
        answer = MARKED.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        if answer:
            head, *body = answer.splitlines()
            indent = "        " if head.startswith("class") else "    "
            kept = [head, body[0]] if head.startswith("class") else [head]
            inner = [line for line in body if line not in kept]
            cell.source = "\n".join([*kept, indent + ANSWER_MARKS[0], *inner, indent + ANSWER_MARKS[1]])
    (root / "source" / "a1").mkdir(parents=True)
    nbformat.write(source, root / "source" / "a1" / "1_pose.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        # nbgrader calls alembic by name; the tests may run without the environment being activated.
        patch.setenv("PATH", os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
        coursedir = CourseDirectory(root=str(root), config=config_of(root))
        result = NbGraderAPI(coursedir, config=config_of(root)).generate_assignment("a1")
        assert result["success"], result.get("error") or result.get("log")
        yield root
    shutil.rmtree(root)


def config_of(root: Path) -> Config:
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.course_id = "test"
    config.CourseDirectory.submitted_directory = "intake"
    config.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
    return config


@pytest.fixture(scope="module")
def template(course: Path) -> Template:
    return load_templates(course / "release" / "a1", ["1_pose"], SYMBOLS)["1_pose"]


def sanitised(course: Path, notebook: Path) -> nbformat.NotebookNode:
    """Run nbgrader's own sanitising over one cleaned notebook, as ``nbgrader autograde`` does before it executes."""
    config = config_of(course)
    converter = Autograde(coursedir=CourseDirectory(root=str(course), config=config), config=config)
    converter.exporter = converter.exporter_class(config=config)
    converter._sanitizing = True
    converter._init_preprocessors()
    resources = converter.init_single_notebook_resources(str(notebook))
    text, _ = converter.exporter.from_filename(str(notebook), resources=resources)
    return nbformat.reads(text, as_version=4)


def what_matters(notebook: nbformat.NotebookNode) -> list[Any]:
    keys = ("grade_id", "grade", "solution", "locked", "points", "checksum", "cell_type", "schema_version", "task")
    return [
        (cell.cell_type, cell.source, {key: cell.metadata.nbgrader.get(key) for key in keys} if "nbgrader" in cell.metadata else None)
        for cell in notebook.cells
    ]


def place(course: Path, content: bytes, student: str = "alice") -> Path:
    path = course / "intake" / student / "a1" / "1_pose.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_release_is_the_template(template: Template) -> None:
    stubs = [cell.cell.source for cell in template.cells if cell.kind == "exercise"]
    assert all("raise NotImplementedError" in source and "SOLUTION" not in source for source in stubs)
    assert template.symbols == set(SYMBOLS.values())


@pytest.mark.parametrize("damage", DAMAGES[::3], ids=lambda damage: damage.name)
def test_nbgrader_sanitises_a_cleaned_notebook_without_changing_it(damage: Damage, course: Path, template: Template) -> None:
    clean = clean_notebook(damage.make(), template)
    assert what_matters(sanitised(course, place(course, clean.content))) == what_matters(clean.notebook)


@pytest.mark.parametrize("name", EDITORS)
def test_nbgrader_takes_every_editors_file_once_it_is_cleaned(name: str, course: Path, template: Template) -> None:
    clean = clean_notebook(EDITORS[name](), template)
    assert what_matters(sanitised(course, place(course, clean.content))) == what_matters(clean.notebook)


def test_plain_nbgrader_fails_or_drops_what_intake_repairs(course: Path, template: Template) -> None:
    wanted = {made.grade_id for made in template.cells if made.grade_id}
    doubled = solved()
    cell_of(doubled, "solution-pose-head")["metadata"]["nbgrader"]["grade_id"] = "solution-pose-soft_argmax"
    for raw in (b"not json", as_bytes(doubled), as_bytes(stripped(solved()))):
        try:
            notebook = sanitised(course, place(course, raw))
            kept = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells}
        except Exception:
            kept = set()
        assert not wanted <= kept
        clean = clean_notebook(raw, template)
        kept = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in sanitised(course, place(course, clean.content)).cells}
        assert wanted <= kept


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_the_whole_class_goes_through_nbgraders_autograde(course: Path) -> None:
    """Everybody ends up in the gradebook: the repaired, the unreadable, the empty, and one whose notebook is missing a cell."""
    class_of: dict[str, bytes | None] = {
        "honest": as_bytes(solved()),
        "stripped": as_bytes(stripped(solved())),
        "unreadable": b"<html>",
        "empty": None,
        "tampered": next(damage for damage in DAMAGES if damage.name == "points_raised").make(),
    }
    shutil.rmtree(course / "intake", ignore_errors=True)
    for student, content in class_of.items():
        folder = course / "submitted" / student / "a1"
        folder.mkdir(parents=True)
        (folder / "timestamp.txt").write_text("2027-02-05 23:59:00 UTC")
        if content is not None:
            (folder / "1_pose.ipynb").write_bytes(content)
    summary = intake_assignment(course, "a1", ["1_pose"], SYMBOLS)
    assert summary.failed == ()

    # the marks themselves are the judge's business: nothing is executed here.
    config = config_of(course)
    config.Autograde.autograde_preprocessors = ["nbgrader.preprocessors.SaveAutoGrades", "nbgrader.preprocessors.CheckCellMetadata"]
    api = NbGraderAPI(CourseDirectory(root=str(course), config=config), config=config)
    for student in class_of:
        result = api.autograde("a1", student, force=True)
        assert result["success"], result.get("log")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        assert {submission.student.id for submission in gradebook.assignment_submissions("a1")} == set(class_of)
        submission = gradebook.find_submission("a1", "tampered")
        assert submission.max_score == 4 + 3 + 5 + 2 + 1
        assert str(submission.timestamp) == "2027-02-05 23:59:00"


def test_a_cleaned_notebook_still_reads_as_json_of_nbformat_4_5(course: Path, template: Template) -> None:
    table = solved()
    put(table, "question-bias", "Ünïcödé")
    written = json.loads(clean_notebook(as_bytes(table), template).content)
    assert (written["nbformat"], written["nbformat_minor"]) == (4, 5)
