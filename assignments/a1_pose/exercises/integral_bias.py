"""Extension: how far the background of a map pulls its mean, and where the bump is without it."""

from __future__ import annotations

from decimal import Decimal, localcontext

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

# of the oracle: the literal inversion loses as many digits as the share of the bump has zeros.
DIGITS = 40


def parts(heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Split maps into bump and background.

    Returns the share w of the bump ``[B, J]``, the share of the background likewise, the position x of the bump and the middle c of the
    map, both ``[B, J, 2]``. A map that lies on its floor throughout has w = 0 and x = c.
    """
    height, width = heatmaps.shape[2:]
    floor = floor[:, :, None, None]
    flat = (heatmaps == floor).all(dim=3, keepdim=True).all(dim=2, keepdim=True)
    # a flat map is made a constant: nothing about it has a gradient.
    heatmaps, floor = heatmaps.masked_fill(flat, 0.0), floor.masked_fill(flat, 0.0)
    top = heatmaps.amax(dim=(2, 3), keepdim=True).detach()
    weights = torch.exp(heatmaps - top)
    # e^h - e^floor as e^h (1 - e^(floor - h)): the difference itself would lose its digits on a map that is almost flat.
    rise = weights * -torch.expm1(floor - heatmaps)
    total, risen = weights.sum(dim=(2, 3)), rise.sum(dim=(2, 3))
    background = height * width * torch.exp(floor - top)[:, :, 0, 0] / total
    flat = flat[:, :, 0, 0]
    size = risen.masked_fill(flat, 1.0)
    columns = torch.arange(width, dtype=heatmaps.dtype)
    rows = torch.arange(height, dtype=heatmaps.dtype)
    x, y = (rise * columns).sum(dim=(2, 3)) / size, (rise * rows[:, None]).sum(dim=(2, 3)) / size
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=heatmaps.dtype).expand(*heatmaps.shape[:2], 2)
    position = torch.where(flat[..., None], middle, torch.stack([x, y], dim=-1))
    return risen / total, background, position, middle


def answer(heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    """Bias ``[B, J, 2]`` and share ``[B, J]``."""
    share, background, position, middle = parts(heatmaps, floor)
    return background[..., None] * (middle - position), share


def bumps(batch: int, joints: int, height: int, width: int, low: float = 2.0, high: float = 5.0):
    """Case material: a bump of height ``low`` to ``high`` in every map, off the middle, on a background with noise.

    The floor lies below the middle of the noise and above some cells, so that part of the background falls short of it.
    """

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        x = torch.arange(width, dtype=torch.float64) - draw.uniform(0.05 * width, 0.35 * width, batch, joints, 1, 1)
        y = torch.arange(height, dtype=torch.float64)[:, None] - draw.uniform(0.6 * (height - 1), 0.9 * (height - 1), batch, joints, 1, 1)
        level = draw.normal(batch, joints, 1, 1, std=2.0)
        bump = draw.uniform(low, high, batch, joints, 1, 1) * torch.exp(-(x**2 + y**2) / (2 * 1.4**2))
        heatmaps = level + bump + draw.normal(batch, joints, height, width, std=0.3)
        return heatmaps, level[:, :, 0, 0] - draw.uniform(0.1, 0.5, batch, joints)

    return material


def noise(batch: int, joints: int, height: int, width: int, std: float = 1.0, offset: float = 0.0):
    """Case material: independent logits, and a floor above a few of them."""

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        heatmaps = draw.normal(batch, joints, height, width, mean=offset, std=std)
        return heatmaps, offset - std * draw.uniform(0.8, 1.4, batch, joints)

    return material


def one_flat(draw: Draw) -> tuple[Tensor, Tensor]:
    """Case material: one map of many has no bump at all."""
    heatmaps, floor = bumps(2, 3, 6, 9)(draw)
    heatmaps[1, 1], floor[1, 1] = 0.0, 0.0
    return heatmaps, floor


def all_flat(draw: Draw) -> tuple[Tensor, Tensor]:
    """Case material: nothing but flat maps, of drawn size."""
    return torch.zeros(1, 2, draw.whole(4, 7), draw.whole(8, 12), dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)


def faint_and_loud(draw: Draw) -> tuple[Tensor, Tensor]:
    """Case material: a map of plus and minus 10 000 beside ordinary ones and one that is almost flat."""
    heatmaps, floor = bumps(2, 3, 6, 9)(draw)
    heatmaps[0, 2], floor[0, 2] = 1e4 * torch.where(draw.mask(0.5, 6, 9), 1.0, -1.0) + draw.normal(6, 9), -1e4
    heatmaps[1, 0], floor[1, 0] = draw.normal(6, 9, std=1e-5), -2e-5
    return heatmaps, floor


class IntegralBias(Exercise):
    """The pull of the background on the mean of a map, and the share of the bump. Bonus."""

    name = "pose.integral_bias"
    title = "Bias of the integral (extension)"
    symbol = "integral_bias"
    points = {
        Family.VALUE: 1.5,
        Family.GRADIENT: 0.75,
        Family.STABILITY: 1.0,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.25,
        Family.PURITY: 0.25,
    }
    bonus = True
    # (E - (1 - w) c) / w is what many write first. It loses digits as w gets small; the stability family is where that costs marks, so the
    # value cases, whose bumps hold a good part of the map, forgive what it costs there.
    tolerance_factor = 64.0
    diagnoses = {
        "the pull with the opposite sign": lambda maps, floor: -answer(maps, floor)[0],
        "the position without the background, instead of the bias": lambda maps, floor: parts(maps, floor)[2],
        "the mean of the map, instead of its bias": lambda maps, floor: answer(maps, floor)[0] + parts(maps, floor)[2],
        "c - x, without the share of the background": lambda maps, floor: parts(maps, floor)[3] - parts(maps, floor)[2],
        "w (c - x), with the share of the bump": lambda maps, floor: (
            parts(maps, floor)[0][..., None] * (parts(maps, floor)[3] - parts(maps, floor)[2])
        ),
        "the middle of the map taken at (W/2, H/2)": lambda maps, floor: answer(maps, floor)[0] + parts(maps, floor)[1][..., None] / 2,
        "x and y swapped": lambda maps, floor: answer(maps, floor)[0].flip(-1),
    }

    def reference(self, heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
        return answer(heatmaps, floor)

    def oracle(self, heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
        # the formula of the text, inverted as it stands, in forty decimal digits.
        batch, joints, height, width = heatmaps.shape
        bias = torch.zeros(batch, joints, 2, dtype=torch.float64)
        share = torch.zeros(batch, joints, dtype=torch.float64)
        cells = [(column, row) for row in range(height) for column in range(width)]
        middle = (Decimal(width - 1) / 2, Decimal(height - 1) / 2)
        with localcontext() as context:
            context.prec = DIGITS
            for b in range(batch):
                for j in range(joints):
                    logits, low = [Decimal(value) for value in heatmaps[b, j].flatten().tolist()], Decimal(float(floor[b, j]))
                    if set(logits) == {low}:
                        # nothing stands out: that this counts as no bias is the definition.
                        continue
                    weights = [(value - max(logits)).exp() for value in logits]
                    total = sum(weights)
                    w = 1 - height * width * (low - max(logits)).exp() / total
                    share[b, j] = float(w)
                    for axis in range(2):
                        mean = sum((weight * cell[axis] for weight, cell in zip(weights, cells)), Decimal(0)) / total
                        bias[b, j, axis] = float(mean - (mean - (1 - w) * middle[axis]) / w)
        return bias, share

    def cases(self) -> list[Case]:
        # a sum of equal weights is the middle up to rounding, and whoever takes the bias as a difference of two means may show it.
        flat_atol = 1e-4
        return [
            Case("a bump in every map", Family.VALUE, bumps(2, 3, 7, 11), public=True),
            Case("high bumps", Family.VALUE, bumps(2, 3, 8, 10, low=6.0, high=9.0), public=True),
            Case("a bump in every map, drawn again", Family.VALUE, bumps(3, 2, 7, 12)),
            Case("one person", Family.VALUE, bumps(1, 4, 6, 10)),
            Case("taller than wide", Family.VALUE, bumps(2, 3, 13, 5)),
            Case("independent logits", Family.VALUE, noise(2, 3, 6, 9)),
            Case("gradient", Family.GRADIENT, bumps(2, 3, 6, 9), public=True),
            Case("gradient, independent logits", Family.GRADIENT, noise(2, 3, 8, 5)),
            Case("gradient, one person", Family.GRADIENT, bumps(1, 2, 5, 8)),
            Case("almost flat maps", Family.STABILITY, noise(2, 3, 6, 9, std=1e-5), public=True),
            Case("almost flat maps, drawn again", Family.STABILITY, noise(2, 3, 8, 5, std=1e-3)),
            Case("one flat map of many", Family.STABILITY, one_flat, gradient=True),
            Case("flat maps only", Family.STABILITY, all_flat, atol=flat_atol),
            Case("a map of plus and minus 10 000 beside an almost flat one", Family.STABILITY, faint_and_loud),
            Case("a constant of 200 added", Family.STABILITY, noise(2, 3, 6, 9, offset=200.0), gradient=True),
            Case("a constant of 200 taken away", Family.STABILITY, noise(2, 3, 6, 9, offset=-200.0), gradient=True),
            Case("float64", Family.DTYPE, bumps(2, 3, 7, 10), dtype="float64"),
            Case("float64, almost flat maps", Family.DTYPE, noise(2, 3, 6, 9, std=1e-9), dtype="float64"),
            Case("map of one pixel", Family.EDGE, bumps(2, 3, 1, 1), public=True),
            Case("map one pixel wide", Family.EDGE, bumps(2, 3, 9, 1)),
            Case("map one pixel high", Family.EDGE, bumps(1, 3, 1, 9)),
            Case("no people", Family.EDGE, noise(0, 3, 6, 9)),
            Case("last two axes swapped in memory", Family.EDGE, bumps(2, 3, 6, 9), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, bumps(2, 3, 6, 9), layout="strided"),
        ]
