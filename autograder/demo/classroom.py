"""Walk the whole road with a demo class: release, hand in, intake, grade, gradebook, feedback, export."""

from __future__ import annotations

import csv
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring.rules import read_lessons
from autograder.demo.outcome import ClassReport, judge_outcome
from autograder.demo.recipe import Material, read_recipes, write_submission
from autograder.engine.course import REPOSITORY, Course, CourseError
from autograder.engine.receive import receive
from autograder.engine.secret import FILE_VARIABLE, make_secret
from autograder.engine.whole_class import grade_class
from autograder.exercise.assignment import Assignment
from autograder.gradebook.entering import Entering
from autograder.gradebook.run import export_csv, generate_assignment, generate_feedback

CONFIG = """# The configuration of this throwaway course is the repository's own.
c = get_config()  # noqa: F821
load_subconfig("nbgrader_config.py", path={root!r})  # noqa: F821
"""
# what a new walk makes anew; the ledgers and the secret stay, so that what has been graded is not graded again.
REMADE = ("source", "release", "submitted", "intake", "autograded", "feedback", "gradebook.db", "grades.csv", "nbgrader_config.py")

Stage = Callable[[str, int | None], Callable[[str], None]]


@dataclass(frozen=True)
class Rooms:
    """Where a demo course lies."""

    place: Path

    @property
    def course(self) -> Path:
        return self.place / "course"

    @property
    def secret(self) -> Path:
        return self.place / "secret"


def hold_class(assignment: Assignment, place: Path, stage: Stage, workers: int | None = None, force: bool = False) -> ClassReport:
    """Grade the demo class of an assignment in a course of its own.

    Args:
        assignment: whose ``demo/`` holds the class.
        place: folder for the course; what an earlier walk left there is replaced, its ledgers are used.
        stage: told each stage's name and number of steps (None where unknown); returns what to call per step.
        workers: submissions at once.
        force: grade what the ledgers already hold.

    Raises:
        CourseError: the assignment is not built, or has no demo class.
    """
    started_s = time.monotonic()
    rooms = Rooms(place.resolve())
    recipes = read_recipes(assignment.folder / "demo")
    if not recipes:
        raise CourseError(f"{assignment.folder / 'demo'} holds no class; add a folder with a submission.toml")
    _lay_out(assignment, rooms)
    os.environ[FILE_VARIABLE] = str(rooms.secret)
    if not rooms.secret.exists():
        make_secret(rooms.secret)
    stage("release", None)
    generate_assignment(rooms.course, assignment.name)
    material = material_of(assignment, rooms.course)
    step = stage("hand in", len(recipes))
    for recipe in recipes:
        write_submission(recipe, material, rooms.course / "submitted" / recipe.student / assignment.name)
        step(recipe.student)
    course = Course(rooms.course, assignment.folder.parent)
    receive(course, assignment.name, stage("intake", len(recipes)))
    step = stage("grade", len(course.jobs(assignment.name)))
    entering = Entering(rooms.course, assignment.name)
    run = grade_class(course, assignment.name, workers=workers, force=force, progress=step, complete=entering.enter)
    for _ in range(run.stored):
        step("")
    entering.rest(stage("gradebook", len(recipes)))
    generate_feedback(rooms.course, assignment.name, progress=stage("feedback", len(recipes)))
    export_csv(rooms.course, rooms.course / "grades.csv")
    scores = _scores(rooms.course / "grades.csv", assignment.name)
    report = ClassReport(assignment.name, run=run.graded, stored=run.stored)
    for recipe in recipes:
        points, penalty = scores.get(recipe.student, (None, 0.0))
        report.outcomes.append(judge_outcome(recipe, run.ledgers.get(recipe.student, {}), assignment.notebooks, points, penalty))
    report.places = {
        "course": str(rooms.course),
        "gradebook": str(rooms.course / "gradebook.db"),
        "feedback": str(rooms.course / "feedback"),
        "csv": str(rooms.course / "grades.csv"),
        "ledgers": str(rooms.course / "ledgers"),
        "secret": str(rooms.secret),
    }
    report.seconds = time.monotonic() - started_s
    return report


def _lay_out(assignment: Assignment, rooms: Rooms) -> None:
    built = REPOSITORY / "source" / assignment.name
    if not built.is_dir():
        raise CourseError(f"{built} is missing; run 'python -m autograder build {assignment.name}' first")
    rooms.course.mkdir(parents=True, exist_ok=True)
    for name in REMADE:
        path = rooms.course / name
        if path.is_dir():
            _remove(path)
        else:
            path.unlink(missing_ok=True)
    shutil.copytree(built, rooms.course / "source" / assignment.name)
    (rooms.course / "nbgrader_config.py").write_text(CONFIG.format(root=str(REPOSITORY)), encoding="utf-8")


def _remove(folder: Path) -> None:
    # nbgrader makes what it writes read-only.
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def material_of(assignment: Assignment, course: Path) -> Material:
    """Return what submissions to an assignment are made from; its release lies in ``course``."""
    lessons = read_lessons(assignment)
    solutions = {name: lesson.solution_source(name) for lesson in lessons for name in lesson.exercises}
    return Material(assignment.folder, course / "release" / assignment.name, solutions, assignment.notebooks, assignment.due)


def _scores(path: Path, assignment: str) -> dict[str, tuple[float, float]]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == assignment]
    return {row["student_id"]: (float(row["raw_score"] or 0.0), float(row["late_submission_penalty"] or 0.0)) for row in rows}
