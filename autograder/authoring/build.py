"""Build ``source/`` from lesson texts and ``release/`` from ``source/``."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.authoring.course import Course
from autograder.authoring.execute import execute
from autograder.authoring.fault import AuthoringError, Progress, silent
from autograder.authoring.folder import files_below, replaced
from autograder.authoring.leaks import refuse_leaks
from autograder.authoring.lesson import Lesson
from autograder.authoring.notebook import make_notebook, write_notebook
from autograder.authoring.readme import student_page
from autograder.authoring.record import FILE_NAME, compare_cases, record_cases
from autograder.authoring.release import generate
from autograder.authoring.rules import FIGURE_SUFFIXES, read_lessons
from autograder.exercise.assignment import Assignment
from autograder.exercise.hidden_data import data_folder
from autograder.exercise.model import ModelProbe


@dataclass(frozen=True)
class Built:
    """What a build did.

    Args:
        folder: where the result lies.
        executed: notebooks that were run.
        kept: notebooks whose outputs were taken over, as nothing they depend on had changed.
    """

    folder: Path
    executed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def build_source(
    assignment: Assignment, course: Course, root: Path, *, run: bool = True, force: bool = False, progress: Progress = silent
) -> Built:
    """Write ``root/source/<assignment>``: executed notebooks, public cases, figures and the students' page.

    Args:
        assignment: whose lessons are built.
        course: whose address goes into badges and links.
        root: folder that holds ``source/``.
        run: execute the notebooks. Off, they are written without outputs.
        force: execute notebooks whose code has not changed, too, and take over nothing of an earlier build.
        progress: is told what happens.

    Raises:
        AuthoringError: lessons with faults, a case that cannot be recorded, a notebook that does not run. The old folder stays then.
    """
    lessons = read_lessons(assignment)
    target = root / "source" / assignment.name
    with replaced(target) as fresh:
        progress(f"{assignment.name}: recording public cases")
        _write_beside(assignment, lessons, course, fresh)
        if not force and _same_cases(target / FILE_NAME, fresh / FILE_NAME):
            shutil.copyfile(target / FILE_NAME, fresh / FILE_NAME)
        executed: list[str] = []
        kept: list[str] = []
        fixed = not force and _same_surroundings(target, fresh)
        for lesson in lessons:
            notebook = make_notebook(lesson, assignment, course)
            before = _with_old_outputs(target / f"{lesson.name}.ipynb", notebook) if fixed else None
            if not run:
                progress(f"{lesson.name}: written without outputs")
            elif before is not None:
                progress(f"{lesson.name}: code unchanged, outputs kept")
                notebook = before
                kept.append(lesson.name)
            else:
                progress(f"{lesson.name}: running")
                notebook = _run(notebook, fresh, data_folder(assignment.folder) if assignment.data else None)
                executed.append(lesson.name)
            (fresh / f"{lesson.name}.ipynb").write_text(write_notebook(notebook), encoding="utf-8")
    return Built(target, tuple(executed), tuple(kept))


def build_release(assignment: Assignment, course: Course, root: Path, *, progress: Progress = silent) -> Built:
    """Write ``root/release/<assignment>`` from ``root/source/<assignment>`` by nbgrader's own generator.

    The result is what ``nbgrader generate_assignment`` writes, byte for byte; it is searched for solutions before it takes its place.

    Raises:
        AuthoringError: no source, a notebook that nbgrader refuses, or a line of a solution in the result.
    """
    source = root / "source" / assignment.name
    if not source.is_dir():
        raise AuthoringError(f"{source} is missing; build the source of {assignment.name} first")
    target = root / "release" / assignment.name
    with replaced(target) as fresh:
        progress(f"{assignment.name}: making the release")
        generate(source, fresh, course.course_id)
        progress(f"{assignment.name}: searching the release for solutions")
        _refuse_weights(fresh, assignment)
        refuse_leaks([fresh], assignment, read_lessons(assignment))
    return Built(target)


def _refuse_weights(folder: Path, assignment: Assignment) -> None:
    for exercise in assignment.exercises.values():
        if isinstance(exercise.probe, ModelProbe) and any(Path(name).name == exercise.probe.file for name in files_below(folder)):
            raise AuthoringError(f"{exercise.probe.file}: the release holds the weights that {exercise.name} asks for; remove the file")


def _write_beside(assignment: Assignment, lessons: Sequence[Lesson], course: Course, folder: Path) -> None:
    record_cases(assignment, folder / FILE_NAME, {lesson.name: lesson.exercises for lesson in lessons})
    (folder / "README.md").write_text(student_page(assignment, lessons, course), encoding="utf-8")
    for name, path in files_below(assignment.folder / "figures").items():
        if path.suffix in FIGURE_SUFFIXES:
            copy = folder / "figures" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _same_cases(old: Path, new: Path) -> bool:
    # kept where they ask the same: another processor's rounding is no reason to change a committed file.
    try:
        return old.is_file() and not compare_cases(old, new, slack=1.25)
    except OSError:
        return False


def _same_surroundings(old: Path, new: Path) -> bool:
    def surroundings(folder: Path) -> dict[str, bytes]:
        found = files_below(folder).items()
        return {name: path.read_bytes() for name, path in found if not name.endswith(".ipynb") and name != "README.md"}

    return old.is_dir() and surroundings(old) == surroundings(new)


def _with_old_outputs(path: Path, notebook: NotebookNode) -> NotebookNode | None:
    """Return ``notebook`` with the outputs of an earlier build; None unless that one ran the same code."""
    if not path.is_file():
        return None
    try:
        old = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    except Exception:  # nbformat raises many kinds for a damaged file; such a file is simply built anew
        return None
    before = [cell for cell in old.cells if cell.cell_type == "code"]
    now = [cell for cell in notebook.cells if cell.cell_type == "code"]

    def code(cells: list[NotebookNode]) -> list[tuple[str, list[str]]]:
        return [(cell.source, cell.metadata.get("tags", [])) for cell in cells]

    if code(before) != code(now) or any(cell.execution_count is None for cell in before if cell.source.strip()):
        return None
    for cell, ran in zip(now, before):
        cell.execution_count, cell.outputs = ran.execution_count, ran.outputs
    return notebook


def _run(notebook: NotebookNode, folder: Path, data: Path | None) -> NotebookNode:
    # a copy of the folder to run in: what a notebook writes does not belong to the source.
    with tempfile.TemporaryDirectory(prefix="vislab-run-") as scratch:
        shutil.copytree(folder, scratch, dirs_exist_ok=True)
        return execute(notebook, Path(scratch), data=data)
