"""Direct regression: a loss over the joints that have a label."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def per_joint(predicted: Tensor, target: Tensor, kind: str) -> Tensor:
    """Squared Euclidean distance ("l2") or sum of absolute differences ("l1"), ``[..., 2]`` to ``[...]``."""
    difference = predicted - target
    return difference.square().sum(-1) if kind == "l2" else difference.abs().sum(-1)


def masked_mean(predicted: Tensor, target: Tensor, visible: Tensor, kind: str) -> Tensor:
    """Mean of ``per_joint`` over the visible joints, 0 where there are none."""
    # selected before anything is computed: a hidden joint's label may be NaN, and NaN times zero is NaN.
    return per_joint(predicted[visible], target[visible], kind).sum() / max(1, int(visible.sum()))


def mean_of_means(predicted: Tensor, target: Tensor, visible: Tensor, *, kind: str) -> Tensor:
    """Every person weighs the same, however many joints are visible."""
    return torch.stack([masked_mean(*person, kind) for person in zip(predicted, target, visible)]).mean()


def uneven_visibility(draw: Draw, batch: int, joints: int) -> Tensor:
    """Booleans ``[B, J]`` with a different number of visible joints in every person: a mean of means cannot hide."""
    order = draw.uniform(0.0, 1.0, batch, joints).argsort(dim=1).argsort(dim=1)
    counts = torch.arange(batch)[:, None] * 2 + 1
    return order < counts.clamp(max=joints - 1)


def people(batch: int, joints: int, kind: str, hidden_label: float | None = None):
    """Case material: predictions a few pixels off their labels; labels of hidden joints set to ``hidden_label`` where given."""

    def material(draw: Draw) -> Inputs:
        target = draw.uniform(2.0, 60.0, batch, joints, 2)
        predicted = target + draw.normal(batch, joints, 2, std=3.0)
        visible = uneven_visibility(draw, batch, joints)
        if hidden_label is not None:
            target = torch.where(visible[..., None], target, torch.tensor(hidden_label, dtype=torch.float64))
        return Inputs((predicted, target, visible), {"kind": kind})

    return material


def all_alike(batch: int, joints: int, visible: bool, kind: str, hidden_label: float | None = None):
    """Case material: every joint visible, or none."""

    def material(draw: Draw) -> Inputs:
        target = draw.uniform(2.0, 60.0, batch, joints, 2)
        predicted = target + draw.normal(batch, joints, 2, std=3.0)
        if hidden_label is not None:
            target = torch.full_like(target, hidden_label)
        return Inputs((predicted, target, torch.full((batch, joints), visible)), {"kind": kind})

    return material


class JointLoss(Exercise):
    """Mean distance over the visible joints of a whole batch."""

    name = "pose.joint_loss"
    title = "Masked regression loss"
    symbol = "joint_loss"
    points = {
        Family.VALUE: 2.0,
        Family.GRADIENT: 1.25,
        Family.STABILITY: 1.0,
        Family.DTYPE: 0.5,
        Family.EDGE: 0.75,
        Family.PURITY: 0.25,
        Family.RULE: 0.25,
    }
    forbidden = tuple(f"torch.nn.functional.{kind}_loss" for kind in ("mse", "l1", "smooth_l1", "huber"))
    diagnoses = {
        "divided by all joints instead of the visible ones": lambda predicted, target, visible, *, kind: (
            masked_mean(predicted, target, visible, kind) * visible.sum() / max(1, visible.numel())
        ),
        "divided by the number of coordinates (two per joint)": lambda predicted, target, visible, *, kind: (
            masked_mean(predicted, target, visible, kind) / 2
        ),
        "every joint counted, hidden or not": lambda predicted, target, visible, *, kind: per_joint(predicted, target, kind).mean(),
        "the sum instead of the mean": lambda predicted, target, visible, *, kind: (
            masked_mean(predicted, target, visible, kind) * visible.sum()
        ),
        "the mean of every person's own mean": mean_of_means,
        "distances that are not squared": lambda predicted, target, visible, *, kind: (
            per_joint(predicted[visible], target[visible], "l2").sqrt().mean()
        ),
        "the other kind of loss": lambda predicted, target, visible, *, kind: masked_mean(
            predicted, target, visible, "l1" if kind == "l2" else "l2"
        ),
    }

    def reference(self, predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
        return masked_mean(predicted, target, visible, kind)

    def oracle(self, predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
        if not bool(visible.any()):
            # no mean exists; that it counts as zero is the definition.
            return torch.zeros((), dtype=torch.float64)
        hidden = np.broadcast_to(~visible.numpy()[..., None], tuple(predicted.shape))
        difference = np.ma.masked_array(predicted.numpy() - target.numpy(), mask=hidden)
        powered = difference**2 if kind == "l2" else np.ma.abs(difference)
        return torch.tensor(float(powered.sum(axis=-1).mean()), dtype=torch.float64)

    def cases(self) -> list[Case]:
        return [
            Case("three people, l2", Family.VALUE, people(3, 7, "l2"), public=True),
            Case("three people, l1", Family.VALUE, people(3, 7, "l1"), public=True),
            Case("three people, l2, drawn again", Family.VALUE, people(3, 8, "l2")),
            Case("three people, l1, drawn again", Family.VALUE, people(3, 8, "l1")),
            Case("one person, l2", Family.VALUE, people(1, 5, "l2")),
            Case("every joint visible", Family.VALUE, all_alike(3, 5, True, "l2")),
            Case("gradient, l2", Family.GRADIENT, people(3, 7, "l2"), public=True, wrt=(0,)),
            Case("gradient, l2, drawn again", Family.GRADIENT, people(3, 8, "l2"), wrt=(0,)),
            Case("gradient, l1", Family.GRADIENT, people(3, 8, "l1"), wrt=(0,)),
            Case("hidden labels are NaN", Family.STABILITY, people(3, 7, "l2", float("nan")), public=True, gradient=True, wrt=(0,)),
            Case("hidden labels are NaN, l1", Family.STABILITY, people(3, 8, "l1", float("nan")), gradient=True, wrt=(0,)),
            # squares taken before the selection leave a gradient of zero times infinity.
            Case("hidden labels are NaN, one person", Family.STABILITY, people(1, 6, "l2", float("nan")), gradient=True, wrt=(0,)),
            Case("hidden labels are infinite", Family.STABILITY, people(3, 7, "l2", float("inf")), gradient=True, wrt=(0,)),
            Case("hidden labels are 1e30", Family.STABILITY, people(3, 7, "l2", 1e30), gradient=True, wrt=(0,)),
            Case("float64, l2", Family.DTYPE, people(3, 7, "l2"), dtype="float64"),
            Case("float64, l1", Family.DTYPE, people(3, 7, "l1"), dtype="float64"),
            Case("no joint visible", Family.EDGE, all_alike(3, 5, False, "l2"), public=True, gradient=True, wrt=(0,)),
            Case("no joint visible, labels NaN", Family.EDGE, all_alike(3, 5, False, "l1", float("nan")), gradient=True, wrt=(0,)),
            Case("no people", Family.EDGE, all_alike(0, 5, True, "l2")),
            Case("last two axes swapped in memory", Family.EDGE, people(3, 7, "l2"), layout="transposed"),
            Case("last two axes swapped in memory, l1", Family.EDGE, people(4, 6, "l1"), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, people(3, 7, "l1"), layout="strided"),
        ]
