"""Extension: hidden joints from the visible ones, by a Gaussian prior over poses."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def conditional(joints: Tensor, visible: Tensor, mean: Tensor, covariance: Tensor, *, jitter: float) -> tuple[Tensor, Tensor]:
    """Person by person, by the blocks of the covariance."""
    filled, spread = [], []
    for person, seen in zip(joints, visible):
        known = torch.nonzero(seen.repeat_interleave(2)).flatten()
        hidden = torch.nonzero(~seen.repeat_interleave(2)).flatten()
        inner = covariance[known][:, known] + jitter * torch.eye(len(known), dtype=joints.dtype)
        gain = torch.linalg.solve(inner, covariance[known][:, hidden]).T
        answer = mean.flatten()[hidden] + gain @ (person.flatten()[known] - mean.flatten()[known])
        rest = covariance[hidden][:, hidden] - gain @ covariance[known][:, hidden]
        filled.append(torch.zeros_like(mean).flatten().index_put((known,), person.flatten()[known]).index_put((hidden,), answer))
        spread.append(torch.zeros_like(covariance).index_put((hidden[:, None], hidden[None]), rest))
    size = mean.numel()
    if not filled:
        return joints.new_zeros(0, *mean.shape), joints.new_zeros(0, size, size)
    return torch.stack(filled).reshape(-1, *mean.shape), torch.stack(spread)


def poses(
    people: int,
    joints: int,
    rank: int | None = None,
    jitter: float = 0.03,
    hidden_label: float | None = None,
    seen: bool | None = None,
):
    """Case material: a covariance of full rank, or of ``rank``, and people of whom some joints are hidden.

    Args:
        hidden_label: what stands in the place of a hidden joint, where not a number of no meaning.
        seen: whether all joints are visible (True) or none (False); otherwise between one and all but one.
    """

    def material(draw: Draw) -> Inputs:
        size = 2 * joints
        factor = draw.normal(size, rank or size)
        covariance = factor @ factor.T / (rank or size)
        covariance = covariance + 0.2 * torch.eye(size, dtype=torch.float64) if rank is None else covariance
        # symmetric to the last bit after rounding to float32, too.
        covariance = (covariance + covariance.T) / 2
        mean = draw.uniform(2.0, 6.0, joints, 2)
        places = mean + (draw.normal(people, factor.shape[1]) @ factor.T).reshape(people, joints, 2) / factor.shape[1] ** 0.5
        if seen is None:
            order = draw.uniform(0.0, 1.0, people, joints).argsort(dim=1).argsort(dim=1)
            visible = order < (2 + torch.arange(people)[:, None]).clamp(max=joints - 1)
        else:
            visible = torch.full((people, joints), seen)
        rubbish = draw.uniform(20.0, 30.0, people, joints, 2) if hidden_label is None else torch.tensor(hidden_label, dtype=torch.float64)
        return Inputs((torch.where(visible[..., None], places, rubbish), visible, mean, covariance), {"jitter": jitter})

    return material


class FillIn(Exercise):
    """Conditional mean and covariance of hidden joints, given the visible ones. Bonus."""

    name = "pose.fill_in"
    title = "Hidden joints from a Gaussian prior (extension)"
    symbol = "fill_in"
    points = {Family.VALUE: 2.5, Family.GRADIENT: 0.5, Family.STABILITY: 0.75, Family.DTYPE: 0.25, Family.EDGE: 0.75, Family.PURITY: 0.25}
    bonus = True
    # explicit inverses, Cholesky factors and solvers err differently, by the condition of the visible block.
    tolerance_factor = 64.0

    def reference(self, joints: Tensor, visible: Tensor, mean: Tensor, covariance: Tensor, *, jitter: float) -> tuple[Tensor, Tensor]:
        return conditional(joints, visible, mean, covariance, jitter=jitter)

    def oracle(self, joints: Tensor, visible: Tensor, mean: Tensor, covariance: Tensor, *, jitter: float) -> tuple[Tensor, Tensor]:
        # the other way round, by precisions: a visible joint is one measured with variance jitter, a hidden one is not measured at all.
        size = mean.numel()
        filled, spread = torch.zeros(len(joints), size).double(), torch.zeros(len(joints), size, size).double()
        for number, seen in enumerate(visible.repeat_interleave(2, dim=1)):
            measured = torch.eye(size, dtype=torch.float64)[seen]
            # (S - S M' (M S M' + j I)^-1 M S) by eigenvectors of the small matrix.
            values, vectors = torch.linalg.eigh(measured @ covariance @ measured.T)
            half = covariance @ measured.T @ vectors / (values + jitter).sqrt()
            offset = torch.where(seen, joints[number].flatten() - mean.flatten(), 0.0)[seen]
            answer = mean.flatten() + half @ ((vectors.T @ offset) / (values + jitter).sqrt())
            filled[number] = torch.where(seen, joints[number].flatten(), answer)
            spread[number] = (covariance - half @ half.T) * (~seen[:, None] & ~seen)
        return filled.reshape(-1, *mean.shape), spread

    def cases(self) -> list[Case]:
        nan = float("nan")
        return [
            Case("three people", Family.VALUE, poses(3, 5), public=True),
            Case("one person", Family.VALUE, poses(1, 4), public=True),
            Case("three people, drawn again", Family.VALUE, poses(3, 6)),
            Case("four people, drawn again", Family.VALUE, poses(4, 5)),
            Case("gradient", Family.GRADIENT, poses(3, 4), wrt=(0, 2)),
            Case("hidden joints hold NaN", Family.STABILITY, poses(3, 5, hidden_label=nan), public=True),
            Case("hidden joints hold NaN, gradient", Family.STABILITY, poses(3, 5, hidden_label=nan), gradient=True, wrt=(0,)),
            Case("a prior of rank 3, saved by the jitter", Family.STABILITY, poses(3, 5, rank=3), public=True),
            Case("a prior of rank 4, saved by the jitter", Family.STABILITY, poses(3, 6, rank=4)),
            Case("float64", Family.DTYPE, poses(3, 5), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, poses(3, 6), dtype="float64"),
            Case("everything visible", Family.EDGE, poses(3, 5, seen=True), public=True),
            Case("nothing visible", Family.EDGE, poses(3, 5, seen=False, hidden_label=nan)),
            Case("one joint in all", Family.EDGE, poses(3, 1, seen=False)),
            Case("no people", Family.EDGE, poses(0, 5)),
            Case("every second element of a wider buffer", Family.EDGE, poses(3, 5), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, poses(3, 5), layout="transposed"),
        ]
