"""The assignment Duo: a function, and a test of it; and sessions that judge tests in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.audit.suite_audit import judge_test
from autograder.exercise.assignment import Assignment, load_assignment
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.bench import LocalBench
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import score

FOLDER = Path(__file__).parent / "fixtures" / "s1_duo"


@pytest.fixture(scope="session")
def duo() -> Assignment:
    return load_assignment(FOLDER)


@pytest.fixture(scope="session")
def exercise(duo: Assignment) -> Exercise:
    return duo.exercises["duo.test_centre"]


@pytest.fixture
def seeds() -> SeedSource:
    return SeedSource(b"a course secret for the tests of students' tests", "cd" * 32)


@pytest.fixture
def judged(exercise: Exercise, seeds: SeedSource) -> Callable[..., CheckRecord]:
    """Judge a test in all its kernels."""

    def run(test: Any, source: SeedSource = seeds) -> CheckRecord:
        return judge_test(exercise, source, test, LocalBench(exercise))

    return run


@pytest.fixture
def points(exercise: Exercise, judged: Callable[..., CheckRecord]) -> Callable[..., float]:
    def run(test: Any, *source: SeedSource) -> float:
        return score(exercise, judged(test, *source)).earned

    return run
