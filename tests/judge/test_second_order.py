"""Gradients of gradients: an exercise that returns a penalty on a gradient is graded through it, once more."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.records import CheckRecord
from autograder.judge.session import CheckSession
from vislab.check.verdict import Family, Verdict


def slope(x: Tensor, create_graph: bool) -> Tensor:
    """Gradient of a curved function of ``x``, itself differentiable where ``create_graph`` says so."""
    # the judge also evaluates a reference where nobody asks for gradients.
    with torch.enable_grad():
        inner = x if x.requires_grad else x.detach().requires_grad_(True)
        (found,) = torch.autograd.grad((inner**3).sum(), inner, create_graph=create_graph)
    return found


class Penalty(Exercise):
    """Squared norm of a gradient, as in the penalty of a critic."""

    name = "toy.penalty"
    title = "Gradient penalty"
    symbol = "penalty"
    points = {Family.VALUE: 2.0, Family.GRADIENT: 2.0}

    def reference(self, x: Tensor) -> Tensor:
        return (slope(x, create_graph=True) ** 2).mean(-1)

    def cases(self) -> list[Case]:
        rows = [Case(f"rows {number}", "value", self.rows, public=number < 2) for number in range(3)]
        return [*rows, Case("gradient", "gradient", self.rows, public=True), Case("hidden gradient", "gradient", self.rows)]

    def rows(self, draw):
        return (draw.normal(3, 5, mean=1.5),)


def judged(answer) -> CheckRecord:
    return CheckSession(Penalty(), SeedSource(b"a secret of more than sixteen bytes", "1f"), 10).run(LocalExchange(answer, {}))


def verdicts(record: CheckRecord) -> dict[str, Verdict]:
    return {str(case.family): case.verdict for case in record.cases}


def test_the_second_derivative_is_graded() -> None:
    assert verdicts(judged(lambda x: (slope(x, create_graph=True) ** 2).mean(-1))) == {"value": Verdict.OK, "gradient": Verdict.OK}
    # worked out by hand: the gradient of x³ is 3x².
    assert verdicts(judged(lambda x: (9 * x**4).mean(-1))) == {"value": Verdict.OK, "gradient": Verdict.OK}


def test_a_graph_that_was_not_kept_loses_the_gradient_alone() -> None:
    record = judged(lambda x: (slope(x, create_graph=False) ** 2).mean(-1))
    assert verdicts(record) == {"value": Verdict.OK, "gradient": Verdict.WRONG_GRADIENT}
    assert {case.text for case in record.cases if case.family is Family.GRADIENT} == {
        "no gradient flows back; something in the computation cuts the graph"
    }


def test_half_a_second_derivative_is_named() -> None:
    def straight_through(x: Tensor) -> Tensor:
        value = (9 * x**4).mean(-1)
        return value.detach() + 0.5 * (value - value.detach())

    record = judged(straight_through)
    assert verdicts(record) == {"value": Verdict.OK, "gradient": Verdict.WRONG_GRADIENT}
    assert all("is half of what was expected" in case.text for case in record.cases if case.family is Family.GRADIENT)
