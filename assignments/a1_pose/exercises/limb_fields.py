"""Part affinity fields: limbs of several people, drawn as maps of directions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

# joints of a small skeleton, and limbs in no particular order; both ends of the last one run "backwards".
LIMBS = torch.tensor([[0, 1], [1, 2], [1, 3], [4, 1]])


def relative_places(start: Tensor, unit: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """How far along a line, and how far beside it, every pixel lies: two maps ``[H, W]``."""
    x = torch.arange(width, dtype=start.dtype) - start[0]
    y = torch.arange(height, dtype=start.dtype)[:, None] - start[1]
    return x * unit[0] + y * unit[1], x * unit[1] - y * unit[0]


def field(
    joints: Tensor,
    visible: Tensor,
    limbs: Tensor,
    *,
    height: int,
    width: int,
    half_width: float,
    average: str = "covering",
    unit_length: bool = True,
    ends: bool = True,
) -> Tensor:
    """Limb by limb and person by person; ``average`` is over the people that cover a pixel, over "all", or "none"."""
    maps = []
    for first, last in limbs.tolist():
        total = joints.new_zeros(2, height, width)
        count = joints.new_zeros(height, width)
        for person, seen in zip(joints, visible):
            away = person[last] - person[first]
            length = torch.linalg.vector_norm(away)
            if not bool(seen[first] & seen[last]) or float(length) == 0:
                continue
            along, beside = relative_places(person[first], away / length, height, width)
            on = beside.abs() <= half_width
            if ends:
                on = on & (along >= 0) & (along <= length)
            total = total + on * (away / length if unit_length else away)[:, None, None]
            count = count + on
        if average == "all":
            count = torch.full_like(count, len(joints))
        maps.append(total / count.clamp(min=1) if average != "none" else total)
    return torch.stack(maps)


def is_clear(joints: Tensor, visible: Tensor, limbs: Tensor, height: int, width: int, half_width: float) -> bool:
    """Whether no pixel centre lies so near the border of a limb that rounding could decide on which side."""
    for first, last in limbs.tolist():
        for person in joints[visible[:, first] & visible[:, last]]:
            away = person[last] - person[first]
            length = away.norm()
            if float(length) == 0:
                continue
            along, beside = relative_places(person[first], away / length, height, width)
            outside = torch.stack((-along, along - length, beside.abs() - half_width)).amax(dim=0)
            if float(outside.abs().min()) < 5e-4:
                return False
    return True


def crowd(
    people: int,
    height: int,
    width: int,
    half_width: float = 1.3,
    margin: float = 2.0,
    hidden: float = 0.0,
    hidden_label: float | None = None,
    meeting: bool = False,
):
    """Case material: people whose limbs cover each other, ``margin`` pixels inside the map at most (outside where negative).

    Args:
        hidden: share of joints that are not visible.
        hidden_label: what stands in their place, where not the truth.
        meeting: the second joint of all people is one, so that the limbs overlap there.
    """

    def material(draw: Draw) -> Inputs:
        while True:
            low, size = torch.tensor([margin, margin]), torch.tensor([width - 2 * margin, height - 2 * margin])
            joints = low + size * draw.uniform(0.02, 0.98, people, 5, 2)
            if meeting:
                joints[:, 1] = joints[:1, 1]
            visible = ~draw.mask(hidden, people, 5)
            if 0 < hidden < 1 and people:
                # at least one limb lacks its last end, one its first, and one has both.
                visible[0] = torch.tensor([True, True, False, True, False])
            if is_clear(joints, visible, LIMBS, height, width, half_width):
                break
        if hidden_label is not None:
            joints = torch.where(visible[..., None], joints, torch.tensor(hidden_label, dtype=torch.float64))
        return Inputs((joints, visible, LIMBS), {"height": height, "width": width, "half_width": half_width})

    return material


def along_the_axes(draw: Draw) -> Inputs:
    """One limb along the rows 2 to 4 and columns 2 to 6, one down the columns 8 and 9 from row 2 to 5: easy to check by hand."""
    joints = torch.tensor([[[1.75, 3.2], [6.25, 3.2], [8.6, 1.75], [8.6, 5.25]]], dtype=torch.float64)
    limbs, everything = torch.tensor([[0, 1], [2, 3]]), torch.ones(1, 4, dtype=torch.bool)
    return Inputs((joints, everything, limbs), {"height": 9, "width": 11, "half_width": 1.25})


def without_length(draw: Draw) -> Inputs:
    """Both ends of a limb in one place: of one person in the middle of another's limb, and of that person alone."""
    while True:
        inputs = crowd(3, 14, 19)(draw)
        joints = inputs.args[0].clone()
        joints[1, 2] = joints[1, 1] = joints[0, [1, 2]].mean(dim=0)
        joints[2, 3] = joints[2, 1]
        if is_clear(joints, inputs.args[1], LIMBS, 14, 19, 1.3):
            return Inputs((joints, *inputs.args[1:]), inputs.kwargs)


def opposite(draw: Draw) -> Inputs:
    """Two people whose joints 1 and 2 change places, and a third: there the mean of two directions is zero."""
    while True:
        inputs = crowd(3, 13, 20)(draw)
        joints = inputs.args[0].clone()
        joints[1, 1], joints[1, 2] = joints[0, 2].clone(), joints[0, 1].clone()
        if is_clear(joints, inputs.args[1], LIMBS, 13, 20, 1.3):
            return Inputs((joints, *inputs.args[1:]), inputs.kwargs)


def far_away(draw: Draw) -> Inputs:
    """Limbs that cross the map and end a hundred pixels outside."""
    while True:
        inputs = crowd(3, 12, 17, half_width=1.7)(draw)
        joints = inputs.args[0].clone()
        joints[:, 2:4] += draw.uniform(60.0, 120.0, 3, 2, 2) * torch.where(draw.mask(0.5, 3, 2, 2), 1.0, -1.0)
        if is_clear(joints, inputs.args[1], LIMBS, 12, 17, 1.7):
            return Inputs((joints, *inputs.args[1:]), inputs.kwargs)


class LimbField(Exercise):
    """The part affinity fields of some people: where limbs lie, and which way they run."""

    name = "pose.limb_field"
    title = "Part affinity fields"
    symbol = "limb_field"
    points = {Family.VALUE: 2.5, Family.STABILITY: 1.0, Family.DTYPE: 0.5, Family.EDGE: 0.75, Family.PURITY: 0.25}
    diagnoses = {
        "people summed where they overlap, not averaged": lambda *args, **grid: field(*args, **grid, average="none"),
        "divided by the number of people, not by those that cover the pixel": lambda *args, **grid: field(*args, **grid, average="all"),
        "directions as long as the limb instead of unit length": lambda *args, **grid: field(*args, **grid, unit_length=False),
        "a line that does not stop at the joints": lambda *args, **grid: field(*args, **grid, ends=False),
        "limbs that run from their last joint to their first": lambda *args, **grid: -field(*args, **grid),
        "x and y of the direction exchanged": lambda *args, **grid: field(*args, **grid).flip(1),
    }

    def reference(self, joints: Tensor, visible: Tensor, limbs: Tensor, *, height: int, width: int, half_width: float) -> Tensor:
        return field(joints, visible, limbs, height=height, width=width, half_width=half_width)

    def oracle(self, joints: Tensor, visible: Tensor, limbs: Tensor, *, height: int, width: int, half_width: float) -> Tensor:
        from matplotlib.path import Path

        columns, rows = np.meshgrid(np.arange(width), np.arange(height))
        pixels = np.stack([columns.ravel(), rows.ravel()], axis=1)
        out = np.zeros((len(limbs), 2, height, width))
        for number, (first, last) in enumerate(limbs.tolist()):
            found: list[list[complex]] = [[] for _ in pixels]
            for person, seen in zip(joints.numpy(), visible.tolist()):
                start, end = (complex(*person[joint]) for joint in (first, last))
                if not (seen[first] and seen[last]) or start == end:
                    continue
                turn = np.exp(1j * np.angle(end - start))
                # a hair larger, as the border belongs to the limb.
                side, hair = 1j * turn * (half_width + 1e-9), 1e-9 * turn
                corners = [start - hair + side, end + hair + side, end + hair - side, start - hair - side]
                for index in np.flatnonzero(Path([(c.real, c.imag) for c in corners]).contains_points(pixels)):
                    found[index].append(turn)
            mean = np.array([np.mean(each) if each else 0 for each in found]).reshape(height, width)
            out[number] = mean.real, mean.imag
        return torch.from_numpy(out)

    def cases(self) -> list[Case]:
        return [
            Case("limbs along the axes", Family.VALUE, along_the_axes, public=True),
            Case("three people", Family.VALUE, crowd(3, 13, 18), public=True),
            Case("limbs that overlap where people meet", Family.VALUE, crowd(4, 13, 18, meeting=True), public=True),
            Case("three people, drawn again", Family.VALUE, crowd(3, 14, 19)),
            Case("one person", Family.VALUE, crowd(1, 12, 17)),
            Case("more people, taller than wide, thicker limbs", Family.VALUE, crowd(5, 20, 11, half_width=2.2)),
            Case("limbs that overlap, drawn again", Family.VALUE, crowd(4, 12, 17, meeting=True)),
            Case("missing joints", Family.STABILITY, crowd(3, 13, 18, hidden=0.3)),
            Case("missing joints hold NaN", Family.STABILITY, crowd(3, 13, 18, hidden=0.3, hidden_label=float("nan")), public=True),
            Case("missing joints are infinite", Family.STABILITY, crowd(4, 12, 17, hidden=0.4, hidden_label=float("inf"))),
            Case("limbs of length zero", Family.STABILITY, without_length, public=True),
            Case("limbs of length zero, drawn again", Family.STABILITY, without_length),
            Case("float64", Family.DTYPE, crowd(3, 13, 18), dtype="float64"),
            Case("float64, overlapping", Family.DTYPE, crowd(4, 12, 17, meeting=True), dtype="float64"),
            Case("two people in opposite directions", Family.EDGE, opposite),
            Case("joints outside the map", Family.EDGE, crowd(3, 13, 18, margin=-5.0)),
            Case("joints far outside the map", Family.EDGE, far_away),
            Case("map of one row", Family.EDGE, crowd(3, 1, 18, margin=-2.0, half_width=1.6)),
            Case("nobody visible", Family.EDGE, crowd(1, 9, 14, hidden=1.0)),
            Case("no people", Family.EDGE, crowd(0, 9, 14)),
            Case("every second element of a wider buffer", Family.EDGE, crowd(3, 13, 18), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, crowd(3, 13, 18), layout="transposed"),
        ]
