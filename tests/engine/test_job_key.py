"""The content key: everything that can change a mark changes it, nothing else does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from autograder.engine.job import Job


@pytest.mark.parametrize(
    "change",
    [
        {"content": b"other"},
        {"submission_hash": "other"},
        {"secret": b"x" * 40},
        {"extra_files": {"weights.safetensors": b"1"}},
        {"intake": ({"code": "check_restored", "text": "…"},)},
        {"unreadable": "no JSON"},
        {"walls": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_can_change_a_mark_changes_the_key(make_job: Callable[..., Job], change: dict) -> None:
    job = make_job()
    assert dataclasses.replace(job, **change).key("a", "g") != job.key("a", "g")


def test_assignment_and_grader_change_the_key(make_job: Callable[..., Job]) -> None:
    job = make_job()
    assert len({job.key("a", "g"), job.key("b", "g"), job.key("a", "h")}) == 3


def test_a_student_does_not_change_the_key_and_the_secret_is_nowhere(make_job: Callable[..., Job]) -> None:
    job = make_job()
    assert dataclasses.replace(job, student="ben").key("a", "g") == job.key("a", "g")
    assert job.secret.decode() not in repr(job)
