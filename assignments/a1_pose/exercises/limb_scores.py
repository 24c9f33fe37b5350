"""Line integrals through a limb's field: how well two joints go together, and a test of that by students."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


def read(field: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Bilinear values ``[2, ...]`` of a field ``[2, H, W]`` at places ``[...]``; a pixel outside counts zero."""
    height, width = field.shape[1:]
    column, row = x.detach().floor(), y.detach().floor()
    total = torch.zeros((2, *x.shape), dtype=field.dtype)
    for right in (0, 1):
        for down in (0, 1):
            c, r = column + right, row + down
            inside = (c >= 0) & (c < width) & (r >= 0) & (r < height)
            weight = (1 - (x - c).abs()) * (1 - (y - r).abs()) * inside
            total = total + weight * field[:, r.clamp(0, height - 1).long(), c.clamp(0, width - 1).long()]
    return total


def scores(field: Tensor, starts: Tensor, ends: Tensor, *, samples: int, last: float = 1.0) -> Tensor:
    """Mean of field times unit direction over samples from the start to the share ``last`` of the way, ``[M, N]``."""
    total = torch.zeros(len(starts), len(ends), dtype=field.dtype)
    away = ends[None] - starts[:, None]
    length = torch.linalg.vector_norm(away, dim=-1)
    unit = away / torch.where(length > 0, length, torch.ones_like(length))[..., None]
    for number in range(samples):
        place = starts[:, None] + last * number / (samples - 1) * away
        vector = read(field, place[..., 0], place[..., 1])
        total = total + vector[0] * unit[..., 0] + vector[1] * unit[..., 1]
    return total / samples


def lengths(starts: Tensor, ends: Tensor) -> Tensor:
    """Lengths of all pairs, ``[M, N]``."""
    return (ends[None] - starts[:, None]).norm(dim=-1)


def pairs(height: int, width: int, firsts: int, lasts: int, samples: int = 7, margin: float = 1.0):
    """Case material: a field without zeros and candidates of both kinds, ``margin`` pixels inside (outside where negative)."""

    def material(draw: Draw) -> Inputs:
        size = torch.tensor([width - 1 - 2 * margin, height - 1 - 2 * margin])
        starts, ends = (margin + size * draw.uniform(0.0, 1.0, count, 2) for count in (firsts, lasts))
        # a mean that is not zero: otherwise the scores of long limbs are all near it.
        direction = torch.tensor([0.5, -0.3])[:, None, None] * (1 if draw.number(0, 1) < 0.5 else -1)
        return Inputs((direction + draw.normal(2, height, width, std=0.4), starts, ends), {"samples": samples})

    return material


def same_place(draw: Draw) -> Inputs:
    """Some pairs have both ends in one place."""
    inputs = pairs(11, 16, 4, 3)(draw)
    starts, ends = (part.clone() for part in inputs.args[1:])
    ends[0], ends[2] = starts[1], starts[3]
    return Inputs((inputs.args[0], starts, ends), inputs.kwargs)


def tiny(draw: Draw) -> Inputs:
    """Limbs of a thousandth of a pixel beside the first pixel: an epsilon in the length would show."""
    inputs = pairs(9, 13, 1, 1)(draw)
    return Inputs((inputs.args[0], draw.uniform(1e-4, 1e-3, 4, 2), draw.uniform(1e-4, 1e-3, 3, 2)), inputs.kwargs)


class LimbScore(Exercise):
    """The line integral of a field between every start and every end."""

    name = "pose.limb_score"
    title = "Score of a limb by a line integral"
    symbol = "limb_score"
    points = {Family.VALUE: 1.25, Family.GRADIENT: 0.5, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.25, Family.PURITY: 0.25}
    # a place that went through normalised coordinates has lost a few digits, which the field's slope turns into an error.
    tolerance_factor = 64.0
    diagnoses = {
        "the direction left as long as the limb": lambda field, starts, ends, *, samples: (
            scores(field, starts, ends, samples=samples) * lengths(starts, ends)
        ),
        "the sum over the samples instead of their mean": lambda field, starts, ends, *, samples: (
            scores(field, starts, ends, samples=samples) * samples
        ),
        "limbs that run from the end to the start": lambda field, starts, ends, *, samples: -scores(field, starts, ends, samples=samples),
        "x and y of the field exchanged": lambda field, starts, ends, *, samples: scores(field.flip(0), starts, ends, samples=samples),
        "the two ends alone": lambda field, starts, ends, *, samples: scores(field, starts, ends, samples=2),
        "the strength of the field, whatever its direction": lambda field, starts, ends, *, samples: scores(
            field, starts, ends, samples=samples
        ).abs(),
        "samples that leave out the end": lambda field, starts, ends, *, samples: scores(
            field, starts, ends, samples=samples, last=1 - 1 / samples
        ),
    }

    def reference(self, field: Tensor, starts: Tensor, ends: Tensor, samples: int) -> Tensor:
        return scores(field, starts, ends, samples=samples)

    def oracle(self, field: Tensor, starts: Tensor, ends: Tensor, samples: int) -> Tensor:
        # torch's sampler and complex numbers; torch.linspace of end and start places the samples.
        height, width = field.shape[1:]
        out = torch.zeros(len(starts), len(ends), dtype=torch.float64)
        share = torch.linspace(0, 1, samples, dtype=torch.float64)[:, None]
        for m, start in enumerate(starts):
            for n, end in enumerate(ends):
                points = torch.lerp(start.expand(samples, 2), end.expand(samples, 2), share)
                grid = (2 * points + 1) / torch.tensor([width, height]) - 1
                found = F.grid_sample(field[None], grid[None, None], padding_mode="zeros", align_corners=False)[0, :, 0]
                away = torch.complex(*(end - start).unbind())
                if away.abs() > 0:
                    out[m, n] = (torch.complex(*found) * torch.exp(-1j * away.angle())).real.mean()
        return out

    def cases(self) -> list[Case]:
        return [
            Case("four starts, three ends", Family.VALUE, pairs(11, 16, 4, 3), public=True),
            Case("one start, five ends", Family.VALUE, pairs(10, 15, 1, 5), public=True),
            Case("four starts, three ends, drawn again", Family.VALUE, pairs(12, 17, 4, 3)),
            Case("taller than wide", Family.VALUE, pairs(19, 8, 3, 5, samples=10)),
            Case("many samples", Family.VALUE, pairs(9, 14, 5, 4, samples=40)),
            Case("gradient of the field", Family.GRADIENT, pairs(8, 11, 3, 4), public=True, wrt=(0,)),
            Case("gradient of the field, drawn again", Family.GRADIENT, pairs(9, 12, 4, 3), wrt=(0,)),
            Case("both ends in one place", Family.STABILITY, same_place, public=True),
            Case("both ends in one place, gradient", Family.STABILITY, same_place, gradient=True, wrt=(0,)),
            Case("limbs of a thousandth of a pixel", Family.STABILITY, tiny),
            Case("float64", Family.DTYPE, pairs(11, 16, 4, 3), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, pairs(9, 14, 3, 4), dtype="float64"),
            Case("candidates outside the map", Family.EDGE, pairs(11, 16, 4, 3, margin=-4.0), public=True),
            Case("candidates outside the map, drawn again", Family.EDGE, pairs(12, 17, 4, 3, margin=-4.0)),
            Case("two samples", Family.EDGE, pairs(11, 16, 4, 3, samples=2)),
            Case("map one pixel wide", Family.EDGE, pairs(9, 1, 4, 3, margin=-0.4)),
            Case("no starts", Family.EDGE, pairs(9, 14, 0, 3)),
            Case("no ends", Family.EDGE, pairs(9, 14, 3, 0)),
            Case("every second element of a wider buffer", Family.EDGE, pairs(11, 16, 4, 3), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, pairs(11, 16, 4, 3), layout="transposed"),
        ]


class TestOfLimbScore(Exercise):
    """A test that passes right line integrals and fails wrong ones."""

    name = "pose.test_limb_score"
    title = "A test of limb_score"
    symbol = "test_limb_score"
    points = {Family.VALUE: 2.5, Family.STABILITY: 0.5, Family.DTYPE: 0.5, Family.EDGE: 0.5}
    probe = SuiteProbe(of="pose.limb_score", calls_max=32)

    def cases(self) -> list[Case]:
        return [
            Suspect("a tenth too large", Family.VALUE, public=True, spoiler=("scaled", {"by": 1.1})),
            Suspect("a constant added", Family.VALUE, public=True, spoiler=("shifted", {"by": 0.05})),
            Suspect("starts in the wrong order", Family.VALUE, public=True, spoiler=("reversed", {"axis": 0})),
            Suspect("the first start's scores for all", Family.VALUE, public=True, spoiler=("first_only", {})),
            Suspect("the direction as long as the limb", Family.VALUE, mutant="not_normalised"),
            Suspect("from end to start", Family.VALUE, mutant="reversed"),
            Suspect("whatever the direction", Family.VALUE, mutant="absolute"),
            Suspect("x and y of the field exchanged", Family.VALUE, mutant="y_first"),
            Suspect("nothing between the two ends", Family.VALUE, mutant="ends_alone"),
            Suspect("the nearest pixel instead of a blend", Family.VALUE, mutant="nearest_pixel"),
            Suspect("half a pixel lost", Family.VALUE, mutant="half_pixel_lost"),
            Suspect("NaN where both ends are in one place", Family.STABILITY, mutant="zero_over_zero"),
            Suspect("border repeated outside the map", Family.EDGE, mutant="border_repeated"),
            Suspect("always single precision", Family.DTYPE, mutant="single_precision"),
        ]
