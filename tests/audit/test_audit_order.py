"""What takes longest begins first, and nothing is lost on the way."""

from __future__ import annotations

from autograder.audit.assignment_audit import DEAR, dear_first
from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.model import ModelProbe
from autograder.exercise.probe import KernelProbe
from autograder.exercise.suite import SuiteProbe

KINDS = {
    "mean": "function",
    "net": "module",
    "draw": "kernel",
    "train": "behaviour",
    "weights": "model",
    "tested": "test-suite",
    "step": "step",
}


def test_dear_exercises_begin_first_and_the_rest_keeps_its_order() -> None:
    asked = [("one", "mean"), ("one", "tested"), ("two", "step"), ("two", "weights"), ("two", "train"), ("three", "net"), ("three", "draw")]
    ordered = [name for _, name in dear_first(asked, KINDS)]
    assert ordered == ["draw", "train", "weights", "tested", "mean", "step", "net"]
    assert sorted(dear_first(asked, KINDS)) == sorted(asked)
    assert dear_first([], KINDS) == []


def test_the_kinds_that_are_named_exist() -> None:
    assert set(DEAR) == {probe.__dataclass_fields__["kind"].default for probe in (KernelProbe, BehaviourProbe, ModelProbe, SuiteProbe)}
