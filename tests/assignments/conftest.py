"""Assignments, their lessons, and answers of its authors' own making, judged as the judge does it."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import pytest
from course_assignments import ASSIGNMENTS

from autograder.authoring.rules import read_lessons
from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.scoring import score
from autograder.judge.session import CheckSession

# test-suite, behaviour and model exercises take processes and trainings of their own.
JUDGED_HERE = ("function", "module", "step", "kernel")


@pytest.fixture(scope="session")
def a1():
    return ASSIGNMENTS["a1_pose"]


@pytest.fixture(scope="session")
def lessons():
    """The lessons of all assignments by name; no two are called the same."""
    return {lesson.name: lesson for assignment in ASSIGNMENTS.values() for lesson in read_lessons(assignment)}


@pytest.fixture(scope="module")
def text(request, lessons):
    """All cells of the notebook that the test module names in ``NOTEBOOK``."""
    return "\n".join(cell.source for cell in lessons[request.module.NOTEBOOK].cells)


@pytest.fixture(scope="session")
def judged():
    """A function that judges a Python file against an exercise; cases are drawn once per exercise and secret.

    A test that asks it for what it cannot judge is skipped.
    """
    drawn: dict[tuple[str, int], dict] = {}

    def judge(exercise, path: Path, secret: int = 0):
        if exercise.probe.kind not in JUDGED_HERE:
            pytest.skip("judged by the audit, which has the means for it")
        spec = importlib.util.spec_from_file_location(f"answer_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        extras = {"grid": getattr(module, f"{exercise.symbol.removesuffix('_kernel')}_grid")} if exercise.probe.kind == "kernel" else {}
        seeds = SeedSource(hashlib.sha256(b"test %d" % secret).digest(), "a submission")
        session = CheckSession(exercise, seeds, 30.0, prepared=drawn.setdefault((exercise.name, secret), {}))
        record = session.run(LocalExchange(getattr(module, exercise.symbol), extras))
        return record, score(exercise, record)

    return judge
