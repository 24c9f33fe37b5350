"""A course with a class to be graded: right answers, mutants and half finished notebooks, no two of them alike."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.authoring.rules import read_lessons
from autograder.demo.classroom import CONFIG, material_of
from autograder.demo.recipe import Expectation, Recipe, write_submission
from autograder.engine.course import REPOSITORY
from autograder.engine.secret import FILE_VARIABLE
from autograder.exercise.assignment import Assignment
from autograder.gradebook.run import generate_assignment

SECRET = b"a throwaway secret for classes that are timed"
# what a student hands in, in turns.
KINDS = ("solved", "one mistake", "two mistakes", "half finished")


@dataclass(frozen=True)
class School:
    """A course folder that is ready to be graded, as often as wanted, each time from the beginning.

    Args:
        root: the course folder as it is before grading.
        assignment: whose submissions are in it.
        notebook: the one notebook that everybody hands in.
        students: how many.
    """

    root: Path
    assignment: Assignment
    notebook: str
    students: int

    def copy(self, place: Path, stock: bool = False) -> Path:
        """Copy the course to ``place``, which must not exist; ``stock`` leaves nothing of ours but the notebooks."""
        shutil.copytree(self.root, place)
        if stock:
            (place / "nbgrader_config.py").unlink()
        return place

    def environment(self, temporary: Path) -> Mapping[str, str]:
        """The environment of a command that grades; its temporary files go to ``temporary``."""
        temporary.mkdir(exist_ok=True)
        secret = self.root.parent / "secret"
        return {**os.environ, FILE_VARIABLE: str(secret), "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}


def found_school(place: Path, built: Path, assignment: Assignment, notebook: str, students: int, exercise: str | None = None) -> School:
    """Make a course below ``place``.

    Args:
        built: the folder that holds ``source/`` and ``release/``.
        students: how many hand in.
        exercise: hand in the setup cell and this exercise alone, as a class would that is quickly graded; None: whole notebooks.
    """
    root = place / "course"
    for room in ("source", "release"):
        shutil.copytree(built / room / assignment.name, root / room / assignment.name)
    (root / "nbgrader_config.py").write_text(CONFIG.format(root=str(REPOSITORY)), encoding="utf-8")
    secret = place / "secret"
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    generate_assignment(root, assignment.name)
    material = material_of(assignment, root)
    asked = next(lesson.exercises for lesson in read_lessons(assignment) if lesson.name == notebook)
    for number in range(students):
        target = root / "submitted" / f"student-{number:04d}" / assignment.name
        write_submission(_recipe(number, assignment, notebook, asked, place), material, target)
        _make_own(target / f"{notebook}.ipynb", number, exercise)
    return School(root, assignment, notebook, students)


def _recipe(number: int, assignment: Assignment, notebook: str, asked: tuple[str, ...], place: Path) -> Recipe:
    kind, chance = KINDS[number % len(KINDS)], random.Random(number)
    answers: dict[str, str] = {}
    if kind == "half finished":
        answers = dict.fromkeys(asked[len(asked) // 2 :], "stub")
    for name in chance.sample(sorted(asked), {"one mistake": 1, "two mistakes": 2}.get(kind, 0)):
        folder = assignment.folder / "mutants" / assignment.exercises[name].file_stem
        answers[name] = str(chance.choice(sorted(folder.glob("*.py"))).relative_to(assignment.folder))
    return Recipe(f"student-{number:04d}", place, kind, "honest", -1.0, {notebook: {"answers": answers}}, Expectation(), (notebook,))


def _make_own(path: Path, number: int, exercise: str | None) -> None:
    """Make a submission differ from every other; keep the setup and one exercise of it where that is asked for."""
    notebook = nbformat.read(path, as_version=4)
    if exercise is not None:
        notebook.cells = [cell for cell in notebook.cells if _is_needed(cell.metadata.get("vislab", {}), exercise)]
    notebook.cells.append(nbformat.v4.new_code_cell(f"# student {number}", id=f"own-{number}"))
    nbformat.write(notebook, path)


def _is_needed(told: Mapping[str, object], exercise: str) -> bool:
    return "setup" in told or exercise in (told.get("exercise"), told.get("check"))
