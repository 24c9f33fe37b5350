"""Every assignment of the course, its exercises by name, and the answer files that it ships."""

from __future__ import annotations

from pathlib import Path

from autograder.exercise.assignment import Assignment, find_assignments, load_assignment
from autograder.exercise.exercise import Exercise

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENTS = {name: load_assignment(folder) for name, folder in find_assignments(ROOT / "assignments").items()}
OWNERS = {name: assignment for assignment in ASSIGNMENTS.values() for name in assignment.exercises}
EXERCISES = {name: assignment.exercises[name] for name, assignment in OWNERS.items()}
MUTANTS = sorted((ROOT / "assignments").glob("a*/mutants/*/*.py"))
ACCEPTED = sorted((ROOT / "assignments").glob("a*/accepted/*/*.py"))


def label(path: Path) -> str:
    """How a test names an answer file: ``a1_pose/soft_argmax/hard_argmax``."""
    return f"{path.parents[2].name}/{path.parent.name}/{path.stem}"


def exercise_of(path: Path) -> Exercise:
    """The exercise that an answer file answers.

    Raises:
        LookupError: its folder is named for no exercise.
    """
    for exercise in ASSIGNMENTS[path.parents[2].name].exercises.values():
        if exercise.file_stem == path.parent.name:
            return exercise
    raise LookupError(f"{label(path)}: no exercise is called {path.parent.name}; name the folder for one of {sorted(EXERCISES)}")


def owner(name: str) -> Assignment:
    """The assignment that an exercise belongs to."""
    return OWNERS[name]
