"""Training steps as an exercise states them: what is refused, and in which words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise, ExerciseError
from autograder.exercise.plan import make_plan
from autograder.exercise.shipped import ship
from autograder.exercise.step import Net, Optimiser, Setup, StepProbe, drawn_state
from autograder.exercise.step_plan import step_header, stepped


class Line(nn.Module):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)
        self.norm = nn.BatchNorm1d(1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.norm(self.linear(rows))


class _Based(Line):
    pass


SGD = Optimiser("SGD", ("line",), {"lr": 0.1})


def setup(**changes: Any) -> Setup:
    return Setup(**{"nets": {"line": Net(Line)}, "optimisers": {"optimiser": SGD}, **changes})


class Fit(Exercise):
    name = "toy.fit"
    title = "Fitting"
    symbol = "fit"
    points = {"value": 1.0}
    probe = StepProbe()

    def setup(self, inputs: Inputs) -> Setup:
        return setup()

    def reference(self, line: nn.Module, optimiser: Any, rows: torch.Tensor) -> torch.Tensor:
        optimiser.zero_grad()
        loss = (line(rows) - rows.sum(1, keepdim=True)).square().mean()
        loss.backward()
        optimiser.step()
        return loss

    def material(self, draw: Draw) -> Inputs:
        return Inputs((draw.normal(5, 3),), weights=drawn_state(draw, setup()))

    def cases(self) -> list[Case]:
        return [Case(f"number {i}", "value", self.material, public=i < 3) for i in range(4)]


def test_a_sound_step_passes() -> None:
    Fit().validate()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Net(nn.Linear(2, 2)), "must be an nn.Module class; hand over the class itself"),
        (lambda: Net(Line, gradients="gone"), "net gradients 'gone' must be one of 'free', 'step', 'untouched', 'cleared'"),
        (lambda: Optimiser("LBFGS", ("line",), {"lr": 1.0}), "optimiser kind 'LBFGS' must be one of SGD, Adam, AdamW, RMSprop"),
        (lambda: Optimiser("SGD", "line", {"lr": 1.0}), "optimiser nets 'line' must be a tuple of at least one net's name"),
        (lambda: Optimiser("SGD", (), {"lr": 1.0}), "optimiser nets () must be a tuple"),
        (lambda: Optimiser("SGD", ("line",), {"lr": 1.0, "betas": (0.1, 0.2)}), "options ['betas'] are unknown; SGD takes dampening, lr"),
        (lambda: Optimiser("Adam", ("line",), {"betas": (0.1, 0.2)}), "optimiser lr None must be a number greater than 0; put it into"),
        (lambda: Optimiser("Adam", ("line",), {"lr": float("nan")}), "optimiser lr nan must be a number greater than 0"),
        (lambda: setup(nets={}), "a step needs at least one net"),
        (lambda: setup(optimisers={}), "a step needs at least one optimiser"),
        (lambda: setup(nets={"a line": Net(Line)}), "net name 'a line' must be a Python name"),
        (lambda: setup(nets={"other": Net(Line)}), "optimiser 'optimiser' holds unknown nets ['line']; the nets are other"),
        (lambda: setup(calls=0), "calls 0 must be at least 1, or None for one call"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        make()


def changed(change: Callable[[Inputs], Inputs], **attributes: Any) -> Exercise:
    def material(self: Fit, draw: Draw) -> Inputs:
        return change(Fit.material(self, draw))

    return type("Changed", (Fit,), {"material": material, **attributes})()


def with_weights(edit: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Inputs], Inputs]:
    def change(inputs: Inputs) -> Inputs:
        weights = dict(inputs.weights)
        edit(weights)
        return Inputs(inputs.args, weights=weights)

    return change


@pytest.mark.parametrize(
    ("exercise", "text"),
    [
        (
            changed(with_weights(lambda w: w.pop("line.norm.running_var"))),
            "case 'number 0': Inputs.weights lacks 'line.norm.running_var'; draw it, for example by drawn_state",
        ),
        (
            changed(with_weights(lambda w: w.update({"line.linear.bias": torch.ones(2)}))),
            "Inputs.weights['line.linear.bias'] has shape [2], the net needs [1]",
        ),
        (
            changed(with_weights(lambda w: w.update(extra=torch.ones(2)))),
            "Inputs.weights holds ['extra'], which no net and no optimiser has",
        ),
        (
            changed(lambda inputs: inputs, setup=lambda self, inputs: setup(calls=2)),
            "input 0 of shape [5, 3] must have an axis of 2 in front, one slice a call",
        ),
        (
            changed(lambda inputs: inputs, setup=lambda self, inputs: setup(nets={"line": Net(_Based)})),
            "'_Based' cannot be defined by its own text (NameError: name 'Line' is not defined); use torch, nn, F and Tensor alone",
        ),
        (
            changed(
                lambda inputs: inputs,
                cases=lambda self: [*Fit.cases(self), Case("g", "gradient", self.material)],
                points={"value": 1.0, "gradient": 1.0},
            ),
            "a step has no cotangents; its gradients show in the parameters, or by Net(gradients='step')",
        ),
    ],
)
def test_a_case_that_does_not_fit_its_nets_is_refused(exercise: Exercise, text: str) -> None:
    with pytest.raises(ExerciseError, match=re.escape(text)):
        exercise.validate()


def test_drawn_state_hides_no_term() -> None:
    state = drawn_state(Draw(b"\x01" * 32), setup(optimisers={"optimiser": Optimiser("Adam", ("line",), {"lr": 0.1})}))
    assert set(state) >= {"line.linear.weight", "line.norm.running_var", "line.linear.bias@grad", "line.linear.bias@optimiser.exp_avg"}
    for name, value in state.items():
        assert value.numel() == 0 or not bool((value == 0).any()), name
    assert bool((state["line.norm.running_var"] > 0).all() and (state["line.linear.bias@optimiser.exp_avg_sq"] > 0).all())
    assert state["line.linear.bias@optimiser.step"].dtype is torch.int64
    assert not [name for name in drawn_state(Draw(b"\x01" * 32), setup(), stale=False) if "@grad" in name]


def test_a_plan_names_the_state_and_ships_the_nets_source_alone() -> None:
    exercise = Fit()
    inputs = exercise.cases()[0].inputs(b"\x03" * 32)
    plan = make_plan(exercise, exercise.cases()[0], inputs, None, 5)
    (net,) = plan.header["step"]["nets"]
    assert net["gradients"] == "free" and net["parameters"] == ["linear.weight", "linear.bias", "norm.weight", "norm.bias"]
    assert net["architecture"]["source"].startswith("class Line(nn.Module):") and "zero_grad" not in str(plan.header)
    assert plan.tensors[net["state"]["linear.weight"]].dtype is torch.float32
    assert plan.tensors[net["state"]["norm.num_batches_tracked"]].dtype is torch.int64
    assert exercise.shown_sources() == [net["architecture"]["source"]]


def test_a_class_of_vislab_travels_by_its_name() -> None:
    from vislab.check.report import Report

    assert ship(Report) == {"name": "vislab.check.report.Report", "source": ""}
    with pytest.raises(ValueError, match=r"the source of 'Made' cannot be read .*; define it in the exercise's module, by class or def"):
        ship(type("Made", (nn.Module,), {"__module__": "builtins"}))


def test_a_step_moves_parameters_by_minus_lr_times_gradient() -> None:
    inputs = Fit().material(Draw(b"\x02" * 32))
    found = stepped(setup(nets={"line": Net(Line, gradients="step")}), inputs, torch.float64, Fit().reference)
    assert found is not None
    for key in ("linear.weight", "norm.weight", "norm.bias"):
        assert torch.allclose(found[f"after.line.{key}"], -0.1 * found[f"left.line.{key}"], atol=1e-14) and found[f"left.line.{key}"].any()
    assert int(found["after.line.norm.num_batches_tracked"]) == 1


def test_a_reference_that_leaves_no_gradient_where_one_is_asked_for_is_refused() -> None:
    inputs = Fit().material(Draw(b"\x02" * 32))
    with pytest.raises(ValueError, match=r"the reference leaves no gradient at line\.linear\.weight, and Net\.gradients is 'step'"):
        stepped(
            setup(nets={"line": Net(Line, gradients="step")}), inputs, torch.float64, lambda line, optimiser, rows: optimiser.zero_grad()
        )
    with pytest.raises(TypeError, match="a step must return tensors, a tuple of them, or None, not \\['float'\\]"):
        stepped(setup(), inputs, torch.float64, lambda *given: 1.5)


def test_a_header_can_be_written_twice() -> None:
    inputs = Fit().material(Draw(b"\x02" * 32))
    assert step_header(setup(), inputs)[0] == step_header(setup(), inputs)[0]
