"""A reference that jumps under rounding opens its own tolerance: the audit says so."""

from __future__ import annotations

import pytest
import torch

from autograder.audit.exercise_audit import loose_tolerances
from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.session import CheckSession
from vislab.check.verdict import Family


class Chosen(Exercise):
    """The row that each index names; the indices come as floats."""

    name = "toy.chosen"
    title = "Chosen rows"
    symbol = "chosen"
    points = {Family.VALUE: 1.0}

    def reference(self, rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return torch.stack([rows[round(number)] for number in index.tolist()])

    def cases(self) -> list[Case]:
        def draw(draw):
            return draw.normal(4, 3), torch.tensor([3.0, 1.0, 2.0, 0.0, 3.0], dtype=torch.float64)

        return [*(Case(f"rows {number}", Family.VALUE, draw, public=True) for number in range(3)), Case("hidden rows", Family.VALUE, draw)]


class Truncated(Chosen):
    """The same with a reference that takes the whole part."""

    def reference(self, rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return torch.stack([rows[int(number)] for number in index.tolist()])


@pytest.mark.parametrize(("kind", "loose"), [(Chosen, False), (Truncated, True)])
def test_a_reference_that_jumps_is_named(kind: type[Exercise], loose: bool) -> None:
    exercise = kind()
    session = CheckSession(exercise, SeedSource(b"s" * 32, "submission"), 5.0)
    prepared = {case.name: session._drawn(case) for case in exercise.cases()}
    found = loose_tolerances(exercise, prepared)
    assert bool(found) is loose
    if loose:
        assert "the reference jumps when its inputs move by their own rounding; round what is an index" in found[0]
