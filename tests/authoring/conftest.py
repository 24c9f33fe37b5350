"""The small assignment that the authoring tests build, and copies of it to spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.authoring.build import Built, build_release, build_source
from autograder.authoring.course import Course
from autograder.exercise.assignment import Assignment, load_assignment

MINI = Path(__file__).parent / "fixtures" / "aX_mini"
COURSE = Course("Vislab", "vislab", "https://github.com/vislab-course/vislab")


@pytest.fixture(scope="session")
def mini() -> Assignment:
    return load_assignment(MINI)


@pytest.fixture
def course() -> Course:
    return COURSE


@pytest.fixture
def spoilt(tmp_path: Path) -> Callable[..., Assignment]:
    """Copy the small assignment and replace texts in it: ``spoilt("lessons/mini_more.py", ("old", "new"), …)``."""

    def spoil(file: str, *replacements: tuple[str, str]) -> Assignment:
        folder = tmp_path / "assignments" / MINI.name
        if not folder.exists():
            shutil.copytree(MINI, folder, ignore=shutil.ignore_patterns("__pycache__"))
        text = (folder / file).read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text, f"{old!r} does not stand in {file}"
            text = text.replace(old, new)
        (folder / file).write_text(text, encoding="utf-8")
        return load_assignment(folder)

    return spoil


@dataclass(frozen=True)
class BuiltMini:
    """The small assignment, built once with its outputs."""

    root: Path
    source: Built
    release: Built


@pytest.fixture(scope="session")
def built_mini(mini: Assignment, tmp_path_factory: pytest.TempPathFactory) -> BuiltMini:
    root = tmp_path_factory.mktemp("course")
    return BuiltMini(root, build_source(mini, COURSE, root), build_release(mini, COURSE, root))


@pytest.fixture
def course_copy(built_mini: BuiltMini, tmp_path: Path) -> Path:
    """A copy of the built course that a test may change."""
    root = tmp_path / "course"
    shutil.copytree(built_mini.root, root)
    return root
