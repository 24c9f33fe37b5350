"""Two functions of one tensor: what attacks on a function's mark are tried on, and its neighbour in the same notebook."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def rows(batch: int, width: int, std: float = 1.5, offset: float = 0.0):
    """Case material: independent logits."""
    return lambda draw: (draw.normal(batch, width, mean=offset, std=std),)


def huge(draw):
    sign = torch.where(draw.mask(0.5, 3, 11), 1.0, -1.0).to(torch.float64)
    return (sign * 1e4 + draw.normal(3, 11),)


class Centre(Exercise):
    """Expected column of each row under the soft-max of its logits."""

    name = "range.centre"
    title = "Centre of a row"
    symbol = "centre"
    points = {
        Family.VALUE: 4.0,
        Family.GRADIENT: 2.0,
        Family.STABILITY: 1.0,
        Family.DTYPE: 1.0,
        Family.EDGE: 1.0,
        Family.PURITY: 0.5,
        Family.RULE: 0.5,
    }
    forbidden = ("torch.softmax", "aten::_softmax", "torch.log_softmax", "aten::_log_softmax")
    tripwires = tuple(f"vislab.ops.soft_argmax.{place}" for place in ("soft_argmax", "op.soft_argmax", "naive.soft_argmax_naive"))

    def reference(self, logits: Tensor) -> Tensor:
        weights = torch.exp(logits - logits.amax(dim=1, keepdim=True).detach())
        share = weights / weights.sum(dim=1, keepdim=True)
        return (share * torch.arange(logits.shape[1], dtype=logits.dtype)).sum(dim=1)

    def oracle(self, logits: Tensor) -> Tensor:
        if logits.requires_grad:
            return NotImplemented
        from scipy.special import softmax

        return torch.from_numpy(softmax(logits.numpy(), axis=1)) @ torch.arange(logits.shape[1], dtype=torch.float64)

    def cases(self) -> list[Case]:
        return [
            Case("three rows", Family.VALUE, rows(3, 7), public=True),
            Case("one row", Family.VALUE, rows(1, 9), public=True),
            Case("gradient", Family.GRADIENT, rows(3, 5), public=True),
            Case("wide rows", Family.VALUE, rows(3, 33)),
            Case("many rows", Family.VALUE, rows(65, 6)),
            Case("sharp rows", Family.VALUE, rows(4, 13, std=6.0)),
            Case("rows far from zero", Family.VALUE, rows(3, 10, offset=30.0)),
            Case("gradient of wide rows", Family.GRADIENT, rows(2, 17)),
            Case("logits of plus and minus 10 000", Family.STABILITY, huge),
            Case("float64", Family.DTYPE, rows(3, 8), dtype="float64"),
            Case("no rows", Family.EDGE, rows(0, 6)),
            Case("one column", Family.EDGE, rows(4, 1)),
            Case("every second element", Family.EDGE, rows(3, 12), layout="strided"),
            Case("axes swapped in memory", Family.EDGE, rows(3, 14), layout="transposed"),
        ]


class Double(Exercise):
    """Twice the rows: an exercise next door, whose points no attack on the other one may cost."""

    name = "range.double"
    title = "Twice the rows"
    symbol = "double"
    points = {Family.VALUE: 3.0, Family.EDGE: 1.0}

    def reference(self, logits: Tensor) -> Tensor:
        return 2.0 * logits

    def oracle(self, logits: Tensor) -> Tensor:
        return logits + logits

    def cases(self) -> list[Case]:
        shown = [Case(f"{count} rows", Family.VALUE, rows(count, 5), public=True) for count in (2, 3, 4)]
        return [*shown, Case("hidden rows", Family.VALUE, rows(3, 6)), Case("no rows", Family.EDGE, rows(0, 5))]
