"""Extensions: boxes that hide joints, and a loss for whether a joint can be seen."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def covered(images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor, half: float = 0.5) -> tuple[Tensor, Tensor]:
    """Pixel by pixel of every box; ``half`` is how far a box reaches beyond the centres of its outer pixels."""
    hidden = torch.zeros((len(images), 1, *images.shape[2:]), dtype=torch.bool)
    seen = visible.clone()
    for number, (left, upper, right, lower) in enumerate(boxes.tolist()):
        for row in range(max(0, upper), min(images.shape[2], lower)):
            for column in range(max(0, left), min(images.shape[3], right)):
                hidden[number, 0, row, column] = True
        for joint, (x, y) in enumerate(joints[number].tolist()):
            if left - half <= x < right - half and upper - half <= y < lower - half:
                seen[number, joint] = False
    return torch.where(hidden, fill[:, :, None, None], images), seen


def drawn_boxes(draw: Draw, batch: int, height: int, width: int, beyond: int) -> Tensor:
    """Boxes of at least two pixels a side, whose corners lie up to ``beyond`` pixels outside; int64 ``[B, 4]``."""
    low = torch.stack([draw.integers(-beyond, size - 3, batch) for size in (width, height)], dim=-1)
    extent = torch.stack([draw.integers(2, 3 + size // 2, batch) for size in (width, height)], dim=-1)
    limit = torch.tensor([width, height]) + beyond
    return torch.cat((low, torch.minimum(low + extent, limit)), dim=-1)


def scene(batch: int, channels: int, height: int, width: int, beyond: int = 0, boxes: list[int] | None = None):
    """Case material: images without zeros, joints all over, some of them at the very border of a box, some hidden before."""

    def material(draw: Draw) -> Inputs:
        images = draw.uniform(0.1, 0.9, batch, channels, height, width)
        place = drawn_boxes(draw, batch, height, width, beyond) if boxes is None else torch.tensor([boxes] * batch).reshape(batch, 4)
        joints = torch.stack([draw.uniform(-3.0, size + 2.0, batch, 9) for size in (width, height)], dim=-1)
        if batch:
            # a quarter of a pixel inside and outside the box's edges, which lie half a pixel beyond the centres.
            low, high = place[:, None, :2].double(), place[:, None, 2:].double()
            middle = (low + high - 1) / 2
            corner = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
            joints[:, 2:4] = torch.where(corner.bool(), low - 0.25, middle)
            joints[:, 4:6] = torch.where(corner.bool(), high - 0.75, middle)
            joints[:, 6:8] = torch.where(corner.bool(), high - 0.25, middle)
            joints[:, 8:] = middle
        visible = ~draw.mask(0.25, batch, 9)
        visible[:, 2:] |= draw.mask(0.7, batch, 7)
        return Inputs((images, joints, visible, place, draw.uniform(1.1, 1.9, batch, channels)))

    return material


def many_directions(draw: Draw) -> Inputs:
    """One box over each side and each corner of the image, one around all of it, one beside it."""
    inputs = scene(10, 3, 8, 13)(draw)
    rows = [[-4, 2, 3, 6], [10, 2, 17, 6], [4, -3, 9, 2], [4, 6, 9, 12], [-2, -2, 4, 4], [9, 5, 16, 11], [-5, -5, 20, 20]]
    boxes = torch.tensor([*rows, [15, 2, 19, 6], [3, -9, 9, -3], [-3, 3, 0, 6]])
    return Inputs((*inputs.args[:3], boxes, inputs.args[4]))


class Occlude(Exercise):
    """Boxes painted over images; joints below them are no longer visible. Bonus."""

    name = "pose.occlude"
    title = "Occluder augmentation (extension)"
    symbol = "occlude"
    points = {Family.VALUE: 1.25, Family.GRADIENT: 0.25, Family.DTYPE: 0.25, Family.EDGE: 1.0, Family.PURITY: 0.25}
    bonus = True

    def reference(self, images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
        return covered(images, joints, visible, boxes, fill)

    def oracle(self, images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
        # numpy's slices, for which negative corners have to be cut first; a joint is hidden where its own pixel would be.
        painted, seen = images.numpy().copy(), visible.numpy().copy()
        nearest = np.floor(joints.numpy() + 0.5)
        for number, box in enumerate(boxes.numpy()):
            (left, upper), (right, lower) = np.maximum(box[:2], 0), np.maximum(box[2:], 0)
            painted[number, :, upper:lower, left:right] = fill.numpy()[number, :, None, None]
            for joint in range(joints.shape[1]):
                if all(nearest[number, joint, axis] in range(box[axis], box[axis + 2]) for axis in (0, 1)):
                    seen[number, joint] = False
        return torch.from_numpy(painted), torch.from_numpy(seen)

    def cases(self) -> list[Case]:
        return [
            Case("three images", Family.VALUE, scene(3, 2, 9, 14), public=True),
            Case("one image", Family.VALUE, scene(1, 3, 11, 8), public=True),
            Case("three images, drawn again", Family.VALUE, scene(3, 4, 10, 15)),
            Case("one image, drawn again", Family.VALUE, scene(1, 2, 12, 9)),
            Case("gradient stops at the box", Family.GRADIENT, scene(3, 2, 7, 10), wrt=(0,)),
            Case("gradient stops at the box, drawn again", Family.GRADIENT, scene(1, 3, 8, 11), wrt=(0,)),
            Case("float64", Family.DTYPE, scene(3, 2, 9, 14), dtype="float64"),
            Case("boxes that reach outside", Family.EDGE, scene(3, 2, 9, 14, beyond=5), public=True),
            Case("boxes over every side and corner", Family.EDGE, many_directions, public=True),
            Case("boxes over every side and corner, drawn again", Family.EDGE, many_directions),
            Case("a box of no size", Family.EDGE, scene(3, 2, 9, 14, boxes=[5, 3, 5, 7])),
            Case("no images", Family.EDGE, scene(0, 2, 9, 14)),
            Case("every second element of a wider buffer", Family.EDGE, scene(3, 2, 9, 14, beyond=3), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, scene(3, 2, 9, 14, beyond=3), layout="transposed"),
        ]


def cross_entropy(logits: Tensor, visible: Tensor) -> Tensor:
    """Mean binary cross-entropy, by the formula that never takes the exponential of a large number."""
    each = logits.clamp(min=0) - logits * visible + torch.log1p(torch.exp(-logits.abs()))
    return each.sum() / max(1, each.numel())


def judgements(batch: int, joints: int, scale: float = 2.0, offset: float = 0.0):
    """Case material: logits and what was visible, either way."""

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        return offset + draw.normal(batch, joints, std=scale), draw.mask(0.6, batch, joints)

    return material


class VisibilityLoss(Exercise):
    """Binary cross-entropy of logits, stable for any. Bonus."""

    name = "pose.visibility_loss"
    title = "Loss of a visibility head (extension)"
    symbol = "visibility_loss"
    points = {Family.VALUE: 0.75, Family.GRADIENT: 0.25, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.125, Family.RULE: 0.125}
    bonus = True
    forbidden = tuple(f"torch.nn.functional.{name}" for name in ("binary_cross_entropy_with_logits", "binary_cross_entropy", "logsigmoid"))
    diagnoses = {
        "visible and hidden exchanged": lambda logits, visible: cross_entropy(logits, ~visible),
        "the visible joints alone": lambda logits, visible: (cross_entropy(logits, visible) - (
            cross_entropy(logits[~visible], visible[~visible]) * (~visible).sum() / max(1, visible.numel()))),
        "the sum instead of the mean": lambda logits, visible: cross_entropy(logits, visible) * visible.numel(),
        "logarithms to base 2": lambda logits, visible: cross_entropy(logits, visible) / np.log(2.0),
    }  # fmt: skip

    def reference(self, logits: Tensor, visible: Tensor) -> Tensor:
        return cross_entropy(logits, visible)

    def oracle(self, logits: Tensor, visible: Tensor) -> Tensor:
        from scipy.special import log_expit

        signed = np.where(visible.numpy(), logits.numpy(), -logits.numpy())
        return torch.tensor(-log_expit(signed).mean() if signed.size else 0.0, dtype=torch.float64)

    def cases(self) -> list[Case]:
        return [
            Case("three people", Family.VALUE, judgements(3, 7), public=True),
            Case("one person", Family.VALUE, judgements(1, 9), public=True),
            Case("three people, drawn again", Family.VALUE, judgements(3, 8)),
            Case("unsure", Family.VALUE, judgements(4, 7, scale=0.3, offset=0.2)),
            Case("gradient", Family.GRADIENT, judgements(3, 7), wrt=(0,)),
            Case("logits of ten thousand", Family.STABILITY, judgements(3, 7, scale=1e4), public=True, gradient=True, wrt=(0,)),
            Case("logits of ten thousand, drawn again", Family.STABILITY, judgements(4, 6, scale=1e4), gradient=True, wrt=(0,)),
            Case("sure and right, where 1 + exp(-z) is 1", Family.STABILITY, sure(20.0, 30.0, right=True)),
            Case("sure and wrong", Family.STABILITY, sure(100.0, 200.0, right=False), gradient=True, wrt=(0,)),
            Case("float64", Family.DTYPE, judgements(3, 7), dtype="float64"),
            Case("no people", Family.EDGE, judgements(0, 7)),
            Case("last two axes swapped in memory", Family.EDGE, judgements(3, 7), layout="transposed"),
        ]


def sure(low: float, high: float, right: bool):
    """Case material: every logit far from zero, and on the right side or the wrong one."""

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        visible = draw.mask(0.5, 3, 7)
        return draw.uniform(low, high, 3, 7) * torch.where(visible == right, 1.0, -1.0), visible

    return material
