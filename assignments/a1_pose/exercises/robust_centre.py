"""The centre of samples of which some are wrong: median, trimmed mean, and the minimum of a robust loss."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

ROUNDS = 100


def median(samples: Tensor) -> Tensor:
    """Middle of the sorted samples, or the mean of the two middle ones."""
    ordered, count = samples.sort(dim=-1).values, samples.shape[-1]
    return (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2


def trimmed(samples: Tensor, share: float) -> Tensor:
    """Mean of what is left when a share of the samples is cut at either end."""
    count = samples.shape[-1]
    cut = math.floor(share * count)
    return samples.sort(dim=-1).values[..., cut : count - cut].mean(dim=-1)


def reweighted(samples: Tensor, kind: str, delta: float, start: Tensor, rounds: int = ROUNDS) -> Tensor:
    """Weighted means, the weights taken from the distances to the mean before."""
    centre = start[..., None]
    for _ in range(rounds):
        away = (samples - centre) / delta
        weight = 1 / away.abs().clamp(min=1) if kind == "huber" else 1 / (1 + away.square()).square()
        centre = (weight * samples).sum(dim=-1, keepdim=True) / weight.sum(dim=-1, keepdim=True)
    return centre[..., 0]


def centre_of(samples: Tensor, kind: str, delta: float = 1.0, share: float = 0.125) -> Tensor:
    """Any of the four."""
    if kind == "median":
        return median(samples)
    return trimmed(samples, share) if kind == "trimmed" else reweighted(samples, kind, delta, median(samples))


def global_minimum(line: np.ndarray, delta: float) -> float:
    """Lowest place of the summed Geman-McClure losses: the best of a fine grid, then the root of the summed influences beside it."""
    from scipy import optimize

    def influence(centre: float) -> float:
        away = line - centre
        return float((away / (1 + (away / delta) ** 2) ** 2).sum())

    step = 0.02 * delta
    # the lowest place lies near some sample.
    grid = (line[:, None] + step * np.arange(-50, 51)).ravel()
    away = (line[:, None] - grid) ** 2
    best = float(grid[(away / (1 + away / delta**2)).sum(axis=0).argmin()])
    return float(optimize.brentq(influence, best - 2 * step, best + 2 * step, xtol=1e-14, rtol=1e-15))


def spoilt(kind: str, *shape: int, **settings: float):
    """Case material: a Gaussian around a drawn centre; about a tenth of the samples lies 20 to the right of it."""

    def material(draw: Draw) -> Inputs:
        centre = draw.uniform(3.0, 9.0, *shape[:-1], 1)
        outliers = torch.where(draw.mask(0.1, *shape), 20.0, 0.0)
        return Inputs((centre + draw.normal(*shape) + outliers,), {"kind": kind, **settings})

    return material


def two_groups(second: float, wild: float):
    """Case material: most samples around 2, a third around ``second``, and one so far off that the mean lies beyond both."""

    def material(draw: Draw) -> Inputs:
        many, few = draw.normal(3, 4, 20, mean=2.0, std=0.3), draw.normal(3, 4, 10, mean=second, std=0.3)
        samples = torch.cat((many, few, wild * draw.uniform(0.9, 1.1, 3, 4, 1)), dim=-1)
        return Inputs((samples,), {"kind": "geman_mcclure", "delta": 1.5})

    return material


def one_wild(kind: str, **settings: float):
    """Case material: one sample of about 1e8 among ordinary ones, never in the last place."""

    def material(draw: Draw) -> Inputs:
        samples = draw.normal(3, 4, 17, mean=5.0)
        samples[..., 3] = draw.uniform(5e7, 2e8, 3, 4)
        return Inputs((samples,), {"kind": kind, **settings})

    return material


def all_equal(kind: str):
    """Case material: samples without any spread."""
    return lambda draw: Inputs((draw.uniform(2.0, 9.0, 3, 4, 1).expand(3, 4, 6).clone(),), {"kind": kind})


class RobustCentre(Exercise):
    """Location of samples, some of which are wrong."""

    name = "pose.robust_centre"
    title = "Robust centre"
    symbol = "robust_centre"
    points = {Family.VALUE: 1.5, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.5, Family.PURITY: 0.25}
    diagnoses = {
        "the plain mean": lambda samples, *, kind, **settings: samples.mean(dim=-1),
        "the lower one of the two middle samples": lambda samples, *, kind, **settings: samples.median(dim=-1).values,
        "the share cut in all, not at either end": lambda samples, *, kind, share=0.125, **settings: trimmed(samples, share / 2),
        "cut at the upper end alone": lambda samples, *, kind, share=0.125, **settings: (
            samples.sort(dim=-1).values[..., : samples.shape[-1] - math.floor(share * samples.shape[-1])].mean(dim=-1)
        ),
        "a single round of weights": lambda samples, *, kind, delta=1.0, **settings: reweighted(samples, kind, delta, median(samples), 1),
        "a delta of 1 instead of the given one": lambda samples, *, kind, delta=1.0, **settings: centre_of(samples, kind, 1.0),
        "the weights of the other loss": lambda samples, *, kind, delta=1.0, **settings: centre_of(
            samples, "huber" if kind == "geman_mcclure" else "geman_mcclure", delta
        ),
    }

    def reference(self, samples: Tensor, *, kind: str, delta: float = 1.0, share: float = 0.125) -> Tensor:
        return centre_of(samples, kind, delta, share)

    def oracle(self, samples: Tensor, *, kind: str, delta: float = 1.0, share: float = 0.125) -> Tensor:
        from scipy import optimize, stats

        lines = samples.reshape(-1, samples.shape[-1]).numpy()
        if kind == "median":
            found = [float(np.median(line)) for line in lines]
        elif kind == "trimmed":
            found = [float(stats.trim_mean(line, share)) for line in lines]
        elif kind == "huber":
            # the sum of the influences falls as the centre rises, and is zero at the minimum.
            found = [
                optimize.brentq(
                    lambda m, r=line: np.clip(r - m, -delta, delta).sum(), line.min() - 1, line.max() + 1, xtol=1e-14, rtol=1e-15
                )
                for line in lines
            ]
        else:
            found = [global_minimum(line, delta) for line in lines]
        return torch.tensor(found, dtype=torch.float64).reshape(samples.shape[:-1])

    def cases(self) -> list[Case]:
        return [
            Case("median of an even number", Family.VALUE, spoilt("median", 3, 4, 30), public=True),
            Case("trimmed", Family.VALUE, spoilt("trimmed", 3, 4, 34), public=True),
            Case("huber", Family.VALUE, spoilt("huber", 3, 4, 40, delta=1.6), public=True),
            Case("geman_mcclure", Family.VALUE, spoilt("geman_mcclure", 3, 4, 40, delta=2.5), public=True),
            Case("median of an even number, drawn again", Family.VALUE, spoilt("median", 3, 5, 24)),
            Case("median of an odd number", Family.VALUE, spoilt("median", 3, 5, 31)),
            Case("trimmed by a quarter at either end", Family.VALUE, spoilt("trimmed", 3, 5, 27, share=0.25)),
            Case("huber, drawn again", Family.VALUE, spoilt("huber", 3, 5, 41, delta=0.8)),
            Case("geman_mcclure, drawn again", Family.VALUE, spoilt("geman_mcclure", 3, 5, 43, delta=3.0)),
            Case("two groups and one wild sample", Family.VALUE, two_groups(12.0, 1000.0)),
            Case("two groups and one wild sample on the other side", Family.VALUE, two_groups(-11.0, -1000.0)),
            Case("one sample of 1e8, trimmed", Family.STABILITY, one_wild("trimmed")),
            Case("one sample of 1e8, huber", Family.STABILITY, one_wild("huber", delta=1.3)),
            Case("one sample of 1e8, geman_mcclure", Family.STABILITY, one_wild("geman_mcclure", delta=2.5)),
            Case("float64, huber", Family.DTYPE, spoilt("huber", 3, 4, 40, delta=1.6), dtype="float64"),
            Case("float64, median", Family.DTYPE, spoilt("median", 3, 4, 30), dtype="float64"),
            Case("samples that are all equal, huber", Family.EDGE, all_equal("huber")),
            Case("samples that are all equal, geman_mcclure", Family.EDGE, all_equal("geman_mcclure")),
            Case("one sample, huber", Family.EDGE, spoilt("huber", 3, 4, 1)),
            Case("one sample, trimmed", Family.EDGE, spoilt("trimmed", 3, 4, 1)),
            Case("nobody", Family.EDGE, spoilt("median", 0, 4, 9)),
            Case("last two axes swapped in memory", Family.EDGE, spoilt("huber", 3, 4, 13, delta=1.6), layout="transposed"),
            Case("one row of samples", Family.EDGE, spoilt("median", 12)),
        ]
