"""Trainings as an exercise states them: bands, budgets, and what must never be sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from toy_exercises import SquareSum

from autograder.exercise.behaviour import Band, BehaviourProbe
from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise, ExerciseError
from autograder.exercise.expected import expect
from autograder.exercise.plan import make_plan
from vislab.check.behaviour import asked, distance, share_of
from vislab.wire.frames import encode


def error(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (predictions - targets).abs().mean()


def probe(**changes: Any) -> BehaviourProbe:
    return BehaviourProbe(**{"metric": error, "unit": "error", "bands": (Band(high=0.1),), "steps": 5, "allowance_s": 7, **changes})


class Line(Exercise):
    name = "toy.line"
    title = "A line"
    symbol = "train"
    points = {"behaviour": 1.0}
    probe = probe()

    def baseline(self, x: torch.Tensor, y: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        return y.mean().expand(len(hidden)).clone()

    def material(self, draw: Draw) -> Inputs:
        slope, x, hidden = draw.number(1.0, 2.0), draw.normal(6), draw.normal(4)
        return Inputs((x, slope * x, hidden), withheld=(slope * hidden,))

    def cases(self) -> list[Case]:
        return [Case(f"number {i}", "behaviour", self.material, public=i < 1) for i in range(3)]


def changed(base: type[Exercise] = Line, **attributes: Any) -> Exercise:
    return type("Changed", (base,), attributes)()


def test_a_sound_training_passes_with_one_public_case() -> None:
    Line().validate()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Band(), "band None to None must have a finite end, the lower one first; write Band(low=0.9)"),
        (lambda: Band(low=float("nan")), "band nan to None must have a finite end"),
        (lambda: Band(low=2.0, high=1.0), "band 2.0 to 1.0 must have a finite end, the lower one first"),
        (lambda: Band(low=1.0, share=0.0), "band share 0.0 must lie in (0, 1]; 1 earns all points"),
        (lambda: Band(low=1.0, share=float("nan")), "band share nan must lie in (0, 1]"),
        (lambda: probe(metric="accuracy"), "metric 'accuracy' must be a function of predictions and withheld targets"),
        (lambda: probe(unit=""), "unit is empty; say what the metric measures"),
        (lambda: probe(bands=(Band(low=0.5, share=0.5),)), "no band has share 1; a training exercise needs one that earns all points"),
        (lambda: probe(steps=0), "steps 0 must be a whole number of at least 1"),
        (lambda: probe(steps=True), "steps True must be a whole number"),
        (lambda: probe(allowance_s=0), "allowance_s 0 must lie in (0, 600]; 60 is the usual one"),
        (lambda: probe(allowance_s=float("nan")), "allowance_s nan must lie in (0, 600]"),
    ],
)
def test_a_probe_that_cannot_be_is_refused(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        make()


def test_definitions_that_break_a_rule_are_refused() -> None:
    case = Case("e", "edge", Line().material)
    for exercise, text in [
        (
            changed(material=lambda self, draw: Inputs((draw.normal(3),) * 3)),
            "Inputs.withheld is empty; it holds the targets of the hidden",
        ),
        (
            changed(material=lambda self, draw: Inputs((draw.normal(3), x := draw.normal(4), draw.normal(4)), withheld=(x,))),
            "case 'number 0': withheld target 0 is sent as input 1; hidden targets never leave the judge",
        ),
        (
            changed(probe=probe(bands=(Band(high=100.0),))),
            "the baseline earns 100% of the points; narrow the bands, or raise",
        ),
        (
            changed(cases=lambda self: [*Line.cases(self), case], points={"behaviour": 1.0, "edge": 1.0}),
            "cases of family edge; a training is judged by what it predicts, family behaviour",
        ),
        (
            changed(cases=lambda self: [*Line.cases(self), Case("r", "behaviour", Line().material, raises="ValueError")]),
            "a training does not raise; give the exception an exercise of its own",
        ),
        (changed(cases=lambda self: Line.cases(self)[1:]), "0 public cases; a check shows 1 to 5"),
        (changed(probe=probe(metric=lambda p, t: nowhere(p))), "<lambda> has no name of its own; define it in the exercise's module"),  # noqa: F821
    ]:
        with pytest.raises((ExerciseError, ValueError), match=re.escape(text)):
            exercise.validate()


def test_hidden_targets_stay_with_the_judge() -> None:
    exercise = Line()
    case = exercise.cases()[1]
    inputs = case.inputs(b"\x05" * 32)
    expected = expect(exercise, case, inputs, b"\x06" * 32)
    assert torch.equal(expected.targets["withheld.0"].value, inputs.withheld[0]) and expected.cotangents is None
    plan = make_plan(exercise, case, inputs, None, 11)
    assert plan.tensors.keys() == {"in.0", "in.1", "in.2"}
    frame = encode(plan.header, plan.tensors)
    for dtype in (torch.float32, torch.float64):
        for target in inputs.withheld[0].to(dtype):
            assert target.numpy().tobytes() not in frame
    # the negative control: an input is found in this way.
    assert inputs.args[2].to(torch.float32)[0].numpy().tobytes() in frame
    assert plan.header["behaviour"]["form"] == {"shape": [4], "dtype": "float32"}
    assert plan.header["behaviour"]["bands"] == [{"low": None, "high": 0.1, "share": 1.0}]


def test_shares_words_and_distances() -> None:
    bands = [{"low": 0.9, "high": None, "share": 1.0}, {"low": 0.5, "high": None, "share": 0.25}]
    assert [share_of(bands, value) for value in (0.9, 0.89, 0.5, 0.49, float("nan"), float("inf"))] == [1.0, 0.25, 0.25, 0.0, 0.0, 1.0]
    assert distance(bands, 0.5) == pytest.approx(0.4) and distance(bands, 2.0) == 0.0
    assert asked({"bands": bands}) == "0.9 or more"
    both = [{"low": 1.0, "high": 2.5, "share": 1.0}, {"low": None, "high": -3.0, "share": 1.0}]
    assert asked({"bands": both}) == "1 to 2.5 or -3 or less" and share_of(both, -4.0) == 1.0 and share_of(both, 0.0) == 0.0


def test_a_training_has_time_of_its_own() -> None:
    exercise = Line()
    assert exercise.training_s == 3 * 7 and exercise.extra_wall_s == 2 * 21 + 20 and exercise.probe.extra_s == 2 * 7 + 20
    assert (SquareSum().training_s, SquareSum().extra_wall_s) == (0.0, 0.0)
    assert exercise.shown_sources()[0].startswith("def error(") and SquareSum().shown_sources() == []
