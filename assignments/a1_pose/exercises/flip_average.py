"""Left-right flip averaging: two looks at one picture, the second in a mirror."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def looks(batch: int, joints: int, height: int, width: int):
    """Case material: two sets of maps and an exchange of joints in which some stay where they are."""

    def material(draw: Draw) -> Inputs:
        order = torch.from_numpy(draw.generator.permutation(joints))
        twin = torch.arange(joints)
        for first, second in order[: 2 * ((joints - 1) // 2)].view(-1, 2).tolist():
            twin[first], twin[second] = second, first
        return Inputs((draw.normal(batch, joints, height, width), draw.normal(batch, joints, height, width), twin))

    return material


def averaged(maps: Tensor, mirrored: Tensor, twin: Tensor, axis: int = -1) -> Tensor:
    """Mean of two looks, the second one brought back by a flip along ``axis`` and the exchange of its maps."""
    return (maps + mirrored[:, twin].flip(axis)) / 2


class FlipAverage(Exercise):
    """The mean of a picture's maps and its mirror image's, brought back."""

    name = "pose.flip_average"
    title = "Left-right flip averaging"
    symbol = "flip_average"
    bonus = True
    points = {Family.VALUE: 1.0, Family.GRADIENT: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.25}
    diagnoses = {
        "left and right joints not exchanged": lambda maps, mirrored, twin: averaged(maps, mirrored, torch.arange(len(twin))),
        "the second maps not turned back": lambda maps, mirrored, twin: (maps + mirrored[:, twin]) / 2,
        "turned upside down": lambda maps, mirrored, twin: averaged(maps, mirrored, twin, -2),
        "the sum instead of the mean": lambda maps, mirrored, twin: 2 * averaged(maps, mirrored, twin),
        "the first maps exchanged, too": lambda maps, mirrored, twin: averaged(maps[:, twin], mirrored, twin),
    }

    def reference(self, maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
        return averaged(maps, mirrored, twin)

    def oracle(self, maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
        width = maps.shape[-1]
        columns = [
            torch.stack([(maps[:, j, :, x] + mirrored[:, int(twin[j]), :, width - 1 - x]) / 2 for x in range(width)], dim=-1)
            for j in range(maps.shape[1])
        ]
        return torch.stack(columns, dim=1)

    def cases(self) -> list[Case]:
        return [
            Case("three pictures", Family.VALUE, looks(3, 7, 5, 9), public=True),
            Case("one picture", Family.VALUE, looks(1, 5, 6, 4), public=True),
            Case("three pictures, drawn again", Family.VALUE, looks(3, 9, 5, 8)),
            Case("one picture, drawn again", Family.VALUE, looks(1, 7, 4, 6)),
            Case("gradient", Family.GRADIENT, looks(3, 7, 5, 6), public=True, wrt=(0, 1)),
            Case("gradient, drawn again", Family.GRADIENT, looks(2, 9, 4, 7), wrt=(0, 1)),
            Case("float64", Family.DTYPE, looks(3, 7, 5, 6), dtype="float64"),
            Case("no pictures", Family.EDGE, looks(0, 7, 5, 6)),
            Case("maps of one column", Family.EDGE, looks(3, 7, 5, 1)),
            Case("last two axes swapped in memory", Family.EDGE, looks(3, 7, 5, 6), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, looks(3, 7, 5, 6), layout="strided"),
        ]
