"""What a pose net is measured by: shares of joints found, mean error, similarity of keypoints; and the test of one of them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family

ALPHAS = (0.05, 0.1, 0.15, 0.2, 0.25)


def distances(predicted: Tensor, target: Tensor, visible: Tensor) -> Tensor:
    """Distances of the visible joints, ``[V]``: selected first, as a label that is NaN must not be touched."""
    return (predicted[visible] - target[visible]).square().sum(-1).sqrt()


def share_within(predicted: Tensor, target: Tensor, visible: Tensor, allowed: Tensor) -> Tensor:
    """Share of the visible joints whose distance is at most ``allowed [B]`` of their person; 0 where there are none."""
    near = distances(predicted, target, visible) <= allowed[:, None].expand(visible.shape)[visible]
    return near.sum() / near.new_tensor(max(1, near.numel()), dtype=torch.float64)


def people(batch: int, joints: int, label: float | None = None, more: str = "alpha", times: int = 1):
    """Case material: errors that lie on both sides of the threshold, people of different sizes, uneven visibility.

    Of person b ``times * (2 b + 3)`` joints are visible, at most all but one. A share of few joints has few values, and whoever says the
    likeliest one is right now and then: hidden cases have thousands of joints, and an odd number of visible ones, so that none is 1/2.
    """

    def material(draw: Draw) -> Inputs:
        target = draw.uniform(4.0, 60.0, batch, joints, 2)
        scale = draw.uniform(20.0, 60.0, batch)
        around = scale[:, None, None] * draw.normal(batch, joints, 2, std=0.09)
        order = draw.uniform(0.0, 1.0, batch, joints).argsort(dim=1).argsort(dim=1)
        visible = order < (times * (2 * torch.arange(batch)[:, None] + 3)).clamp(max=joints - 1)
        alpha = draw.number(0.09, 0.13) if more == "alpha" else None
        # rounding must not decide on which side of a threshold a joint lies.
        thresholds = torch.tensor(ALPHAS if alpha is None else [alpha], dtype=torch.float64)
        share = torch.linalg.vector_norm(around, dim=-1) / scale[:, None]
        near = ((share[..., None] / thresholds - 1).abs() < 1e-3).any(dim=-1)
        predicted = target + torch.where(near[..., None], 0.99 * around, around)
        if label is not None:
            target = torch.where(visible[..., None], target, torch.tensor(label, dtype=torch.float64))
        return _asked(draw, more, (predicted, target, visible, scale), alpha)

    return material


def on_the_threshold(more: str = "alpha"):
    """Case material: distances of exactly 5 and 10 pixels, which numbers of any precision hold, and people of 40 and 80."""

    def material(draw: Draw) -> Inputs:
        target = draw.integers(10, 50, 2, 6, 2).double()
        step = torch.tensor([[3.0, 4.0], [6.0, 8.0], [0.0, 5.0], [-4.0, 3.0], [0.0, 10.0], [8.0, -6.0]], dtype=torch.float64)
        visible = torch.tensor([[True, True, True, True, False, True], [True, True, False, True, True, True]])
        scale = torch.tensor([40.0, 80.0], dtype=torch.float64)
        return _asked(draw, more, (target + step, target, visible, scale), alpha=0.125)

    return material


def unseen(batch: int, joints: int, more: str = "alpha", label: float = 7.0):
    """Case material: no joint is visible."""

    def material(draw: Draw) -> Inputs:
        target = torch.full((batch, joints, 2), label, dtype=torch.float64)
        predicted, scale = draw.normal(batch, joints, 2), draw.uniform(20.0, 60.0, batch)
        return _asked(draw, more, (predicted, target, torch.zeros(batch, joints, dtype=torch.bool), scale))

    return material


def of_no_size(more: str, times: int = 1):
    """Case material: the second person has scale 0."""

    def material(draw: Draw) -> Inputs:
        inputs = people(3, 7 * times, more=more, times=times)(draw)
        inputs.args[3][1] = 0.0
        return inputs

    return material


def _asked(draw: Draw, more: str, args: tuple[Tensor, ...], alpha: float | None = None) -> Inputs:
    if more == "alpha":
        return Inputs(args, {"alpha": draw.number(0.09, 0.13) if alpha is None else alpha})
    return Inputs((*args, draw.uniform(0.05, 0.2, args[0].shape[1])), {"alphas": list(ALPHAS)})


class Pck(Exercise):
    """Share of the visible joints that are found."""

    name = "pose.pck"
    title = "Share of correct keypoints"
    symbol = "pck"
    points = {Family.VALUE: 1.0, Family.STABILITY: 0.25, Family.DTYPE: 0.25, Family.EDGE: 0.5}
    diagnoses = {
        "the same threshold for people of every size": lambda predicted, target, visible, scale, *, alpha: share_within(
            predicted, target, visible, alpha * scale.mean().expand_as(scale)
        ),
        "every joint counted, visible or not": lambda predicted, target, visible, scale, *, alpha: share_within(
            predicted, target, torch.ones_like(visible), alpha * scale
        ),
        "divided by all joints instead of the visible ones": lambda predicted, target, visible, scale, *, alpha: (
            share_within(predicted, target, visible, alpha * scale) * visible.sum() / max(1, visible.numel())
        ),
        "the share of joints that are missed": lambda predicted, target, visible, scale, *, alpha: (
            1 - share_within(predicted, target, visible, alpha * scale)
        ),
    }

    def reference(self, predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
        return share_within(predicted, target, visible, alpha * scale)

    def oracle(self, predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
        found = [
            float(np.hypot(*(predicted[b, j] - target[b, j]).tolist()) <= alpha * float(scale[b]))
            for b, j in zip(*np.nonzero(visible.numpy()))
        ]
        return torch.tensor(float(np.mean(found)) if found else 0.0, dtype=torch.float64)

    def cases(self) -> list[Case]:
        return [
            Case("three people", Family.VALUE, people(3, 9), public=True),
            Case("one person", Family.VALUE, people(1, 11), public=True),
            Case("three people, drawn again", Family.VALUE, people(3, 1500, times=201)),
            Case("five people", Family.VALUE, people(5, 1100, times=97)),
            Case("one person, drawn again", Family.VALUE, people(1, 3000, times=667)),
            Case("hidden labels are NaN", Family.STABILITY, people(3, 1400, float("nan"), times=191)),
            Case("hidden labels are infinite", Family.STABILITY, people(3, 1300, float("inf"), times=181)),
            Case("float64", Family.DTYPE, people(3, 1500, times=201), dtype="float64"),
            # by hand: a tolerance is derived from what rounding does to the answer, and here it decides on which side of a step one stands.
            Case("exactly on the threshold", Family.EDGE, on_the_threshold(), public=True, atol=1e-6),
            Case("exactly on the threshold, again", Family.EDGE, on_the_threshold(), atol=1e-6),
            Case("no joint visible", Family.EDGE, unseen(3, 5), public=True),
            Case("no joint visible, labels NaN", Family.EDGE, unseen(2, 6, label=float("nan"))),
            Case("no people", Family.EDGE, unseen(0, 5)),
            Case("a person of no size", Family.EDGE, of_no_size("alpha", 101)),
            Case("last two axes swapped in memory", Family.EDGE, people(3, 1100, times=155), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, people(3, 1200, times=161), layout="strided"),
        ]


class KeypointScores(Exercise):
    """Mean error, area under the PCK curve, and the similarity of each person's keypoints."""

    name = "pose.keypoint_scores"
    title = "Mean error, area under the curve, similarity"
    symbol = "keypoint_scores"
    bonus = True
    points = {Family.VALUE: 1.5, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.75}

    def reference(
        self, predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, kappa: Tensor, *, alphas: list[float]
    ) -> tuple[Tensor, Tensor, Tensor]:
        off = distances(predicted, target, visible)
        mean = off.sum() / max(1, off.numel())
        area = torch.stack([share_within(predicted, target, visible, alpha * scale) for alpha in alphas]).mean()
        similar = []
        for b in range(len(predicted)):
            seen = visible[b]
            away = (predicted[b, seen] - target[b, seen]).square().sum(-1)
            reach = 2 * scale[b] ** 2 * kappa[seen] ** 2
            each = torch.exp(-away / reach)
            similar.append(each.mean() if bool(seen.any()) and float(scale[b]) > 0 else torch.zeros((), dtype=torch.float64))
        return mean, area, torch.stack(similar) if similar else torch.zeros(0, dtype=torch.float64)

    def oracle(
        self, predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, kappa: Tensor, *, alphas: list[float]
    ) -> tuple[Tensor, Tensor, Tensor]:
        off, found, similar = [], [], []
        for b in range(len(predicted)):
            own = []
            for j in np.flatnonzero(visible[b].numpy()):
                away = math.dist(predicted[b, j].tolist(), target[b, j].tolist())
                off.append(away)
                found += [away <= alpha * float(scale[b]) for alpha in alphas]
                own.append(math.exp(-0.5 * (away / float(scale[b] * kappa[j])) ** 2) if float(scale[b]) > 0 else 0.0)
            similar.append(sum(own) / max(1, len(own)))
        mean, area = (sum(each) / max(1, len(each)) for each in (off, found))
        return tuple(torch.tensor(value, dtype=torch.float64) for value in (mean, area, similar))

    def cases(self) -> list[Case]:
        scores = "kappa"
        return [
            Case("three people", Family.VALUE, people(3, 9, more=scores), public=True),
            Case("one person", Family.VALUE, people(1, 11, more=scores), public=True),
            Case("three people, drawn again", Family.VALUE, people(3, 11, more=scores)),
            Case("five people", Family.VALUE, people(5, 13, more=scores)),
            Case("hidden labels are NaN", Family.STABILITY, people(3, 9, float("nan"), scores), public=True),
            Case("hidden labels are NaN, drawn again", Family.STABILITY, people(4, 9, float("nan"), scores)),
            Case("float64", Family.DTYPE, people(3, 9, more=scores), dtype="float64"),
            Case("no joint visible", Family.EDGE, unseen(3, 5, scores), public=True),
            Case("no joint visible, labels NaN", Family.EDGE, unseen(2, 6, scores, float("nan"))),
            Case("no people", Family.EDGE, unseen(0, 5, scores)),
            Case("a person of no size", Family.EDGE, of_no_size(scores)),
            Case("last two axes swapped in memory", Family.EDGE, people(3, 9, more=scores), layout="transposed"),
        ]


class TestOfPck(Exercise):
    """A test of the share of correct keypoints."""

    name = "pose.test_pck"
    title = "A test of the share of correct keypoints"
    symbol = "test_pck"
    points = {Family.VALUE: 2.5, Family.EDGE: 1.5}
    # answers are shares of few joints, exact in every precision that is tested.
    probe = SuiteProbe(of="pose.pck")

    def cases(self) -> list[Suspect]:
        return [
            Suspect("a tenth too much", Family.VALUE, public=True, spoiler=("shifted", {"by": 0.1})),
            Suspect("half of the share", Family.VALUE, public=True, spoiler=("scaled", {"by": 0.5})),
            Suspect("always zero", Family.VALUE, public=True, spoiler=("constant", {})),
            Suspect("squared distances", Family.VALUE, mutant="squared_distance"),
            Suspect("the size of the person ignored", Family.VALUE, mutant="pixels_for_shares"),
            Suspect("visibility ignored", Family.VALUE, mutant="mask_ignored"),
            Suspect("divided by all joints", Family.VALUE, mutant="divides_by_all_joints"),
            Suspect("the mean of every person's own share", Family.VALUE, mutant="mean_of_means"),
            Suspect("the threshold itself does not count", Family.EDGE, mutant="strictly_below"),
            Suspect("not a number where nobody is visible", Family.EDGE, mutant="nothing_over_nothing"),
            Suspect("one where nobody is visible", Family.EDGE, mutant="perfect_when_unseen"),
            Suspect("always double precision", Family.VALUE, mutant="double_precision"),
        ]
