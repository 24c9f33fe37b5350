"""The transposed convolution, by its definition: every number in spreads a patch of numbers out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def spread(features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Add every number's patch where it belongs, then cut the padding off."""
    batch, _, height, width = features.shape
    _, out, rows, columns = weight.shape
    full = features.new_zeros(batch, out, (height - 1) * stride + rows, (width - 1) * stride + columns)
    for row in range(height):
        for column in range(width):
            patch = (features[:, :, row, column, None, None, None] * weight).sum(dim=1)
            full[:, :, row * stride : row * stride + rows, column * stride : column * stride + columns] += patch
    return full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]


def averaged(features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Overlaps averaged instead of summed."""
    shape = (1, 1, *weight.shape[2:])
    count = spread(torch.ones_like(features[:1, :1]), torch.ones(shape, dtype=weight.dtype), stride, padding)
    return spread(features, weight, stride, padding) / count.clamp(min=1)


def cut_at_the_end(features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Twice the padding cut off below and to the right, none above and to the left."""
    full = spread(features, weight, stride, 0)
    return full[:, :, : full.shape[2] - 2 * padding, : full.shape[3] - 2 * padding]


def material(shape: tuple[int, int, int, int], out: int, rows: int, columns: int, stride: int, padding: int):
    """Case material: features of ``shape`` and a kernel of ``rows`` times ``columns``."""
    return lambda draw: Inputs((draw.normal(*shape), draw.normal(shape[1], out, rows, columns), stride, padding))


def ones(rows: int, stride: int, padding: int):
    """Case material: ones throughout, so that the answer counts contributions. The size is drawn."""

    def drawn(draw: Draw) -> Inputs:
        shape = (1, 1, draw.whole(4, 7), draw.whole(7, 10))
        return Inputs(
            (torch.ones(shape, dtype=torch.float64), torch.ones((1, 1, rows, rows), dtype=torch.float64), stride, padding),
        )

    return drawn


class TransposedConvolution(Exercise):
    """Upsampling that can be learnt, from scratch."""

    name = "shapes.transposed_convolution"
    title = "Transposed convolution"
    symbol = "transposed_convolution"
    points = {Family.VALUE: 1.5, Family.GRADIENT: 0.75, Family.DTYPE: 0.5, Family.EDGE: 0.9, Family.PURITY: 0.35}
    # every way by which torch has the answer ready.
    tripwires = ("torch.nn.grad.conv2d_input", *(f"torch{place}.conv_transpose{d}d" for place in ("", ".nn.functional") for d in (1, 2, 3)))
    diagnoses = {
        "the kernel turned by half a turn": lambda x, w, stride, padding: spread(x, w.flip(2, 3), stride, padding),
        "overlaps averaged instead of summed": averaged,
        "the padding cut off on one side only": cut_at_the_end,
        "rows and columns of the kernel exchanged": lambda x, w, stride, padding: spread(x, w.transpose(2, 3), stride, padding),
    }

    def reference(self, features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        return spread(features, weight, stride, padding)

    def oracle(self, features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        return F.conv_transpose2d(features, weight, stride=stride, padding=padding)

    def cases(self) -> list[Case]:
        return [
            Case("a kernel of 4 by 4, stride 2, padding 1", Family.VALUE, material((3, 2, 4, 5), 4, 4, 4, 2, 1), public=True),
            Case("a kernel of 3 by 2, stride 3, no padding", Family.VALUE, material((1, 3, 5, 4), 2, 3, 2, 3, 0), public=True),
            Case("a kernel of 5 by 4, stride 2, padding 1", Family.VALUE, material((3, 2, 5, 6), 3, 5, 4, 2, 1)),
            Case("a kernel of 4 by 4, drawn again", Family.VALUE, material((3, 5, 4, 6), 2, 4, 4, 2, 1)),
            Case("stride 1", Family.VALUE, material((2, 3, 6, 5), 4, 3, 3, 1, 1)),
            Case("gradient to features and kernel", Family.GRADIENT, material((3, 2, 4, 5), 4, 4, 4, 2, 1), public=True),
            Case("gradient, another stride", Family.GRADIENT, material((2, 3, 4, 5), 2, 5, 4, 3, 1)),
            Case("float64", Family.DTYPE, material((3, 2, 4, 5), 4, 4, 4, 2, 1), dtype="float64"),
            Case("float64, gradient", Family.DTYPE, material((2, 3, 5, 4), 2, 3, 4, 2, 0), dtype="float64", gradient=True),
            Case("contributions, a kernel of 3 and stride 2", Family.EDGE, ones(3, 2, 0), public=True),
            Case("contributions, a kernel of 4 and stride 2", Family.EDGE, ones(4, 2, 1)),
            Case("a stride wider than the kernel", Family.EDGE, material((3, 2, 4, 5), 3, 2, 2, 3, 0)),
            Case("one number in", Family.EDGE, material((2, 3, 1, 1), 2, 4, 3, 2, 1)),
            Case("no pictures", Family.EDGE, material((0, 2, 4, 5), 3, 4, 4, 2, 1)),
            Case("rows and columns exchanged in memory", Family.EDGE, material((3, 2, 4, 5), 4, 4, 3, 2, 1), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, material((3, 2, 4, 5), 4, 4, 3, 2, 1), layout="strided"),
        ]
