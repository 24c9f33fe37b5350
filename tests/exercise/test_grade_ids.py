"""Grade ids lead from an exercise to its cells and back."""

from __future__ import annotations

import pytest

from autograder.exercise.grade_ids import CHECK, QUESTION, SOLUTION, check_id, exercise_of, question_id, role_of, solution_id


@pytest.mark.parametrize(
    ("make", "role", "text"),
    [
        (solution_id, SOLUTION, "solution-pose-soft_argmax"),
        (check_id, CHECK, "check-pose-soft_argmax"),
        (question_id, QUESTION, "question-pose-soft_argmax"),
    ],
)
def test_there_and_back(make, role: str, text: str) -> None:
    assert make("pose.soft_argmax") == text
    assert (role_of(text), exercise_of(text)) == (role, "pose.soft_argmax")


@pytest.mark.parametrize("text", ["", "cell-1", "check", "check-pose", "check-pose-a-b", "solutions-pose-a", "Check-pose-a", "own-test"])
def test_foreign_ids_are_nobodys(text: str) -> None:
    assert role_of(text) is None and exercise_of(text) is None
