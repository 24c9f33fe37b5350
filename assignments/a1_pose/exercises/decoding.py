"""From a heatmap to a position: the highest cell, and two ways to look between the cells."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

# smaller values count as this before the logarithm is taken; float32 still holds it as a normal number.
FLOOR = 1e-30


def highest(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Column and row of the largest value of each map, the first in reading order where several are equal."""
    index = heatmaps.flatten(2).argmax(dim=-1)
    return index % heatmaps.shape[3], index // heatmaps.shape[3]


def offset(before: Tensor, middle: Tensor, after: Tensor, method: str) -> Tensor:
    """Where between the neighbours the top lies, in cells from the highest one."""
    if method == "argmax":
        return torch.zeros_like(middle)
    if method == "quarter":
        return 0.25 * torch.sign(after - before)
    left, centre, right = (value.clamp(min=FLOOR).log() for value in (before, middle, after))
    bend = (centre - left) + (centre - right)
    level = bend == 0
    return torch.where(level, torch.zeros_like(bend), ((right - left) / 2) / torch.where(level, torch.ones_like(bend), bend))


def decoded(heatmaps: Tensor, *, method: str) -> Tensor:
    """Positions, one axis at a time; an axis on which the highest cell lies at the border keeps its whole cell."""
    x, y = highest(heatmaps)
    people, joints = torch.meshgrid(torch.arange(heatmaps.shape[0]), torch.arange(heatmaps.shape[1]), indexing="ij")
    middle = heatmaps[people, joints, y, x]
    height, width = heatmaps.shape[2:]
    axes = []
    for place, length, (right, down) in ((x, width, (1, 0)), (y, height, (0, 1))):
        inside = (place > 0) & (place < length - 1)
        # where a neighbour is missing, any cell of the map will do: what comes of it is thrown away.
        before = heatmaps[people, joints, (y - down).clamp(min=0), (x - right).clamp(min=0)]
        after = heatmaps[people, joints, (y + down).clamp(max=height - 1), (x + right).clamp(max=width - 1)]
        moved = offset(before, middle, after, method)
        axes.append(place + torch.where(inside, moved, torch.zeros_like(moved)))
    return torch.stack(axes, dim=-1)


def full_step(heatmaps: Tensor, *, method: str) -> Tensor:
    """The refinement counted twice."""
    whole = decoded(heatmaps, method="argmax")
    return whole + 2 * (decoded(heatmaps, method=method) - whole)


def wrong_way(heatmaps: Tensor, *, method: str) -> Tensor:
    """The refinement with its sign lost."""
    whole = decoded(heatmaps, method="argmax")
    return 2 * whole - decoded(heatmaps, method=method)


def bent_without_logarithm(heatmaps: Tensor, *, method: str) -> Tensor:
    """A parabola through the values themselves."""
    # the exponential undoes the logarithm; values of a map are of moderate size.
    return decoded(torch.exp(heatmaps), method=method)


def bump(draw: Draw, batch: int, joints: int, height: int, width: int, noise: float = 0.02) -> Tensor:
    """One bump in each map, wider along one axis, its top between the cells and away from the border; a little of it is noise."""
    x, y = torch.arange(width, dtype=torch.float64), torch.arange(height, dtype=torch.float64)[:, None]
    column, row = (draw.integers(2, length - 2, batch, joints, 1, 1).double() for length in (width, height))
    # neither in the middle of a cell, where a shift hides, nor half-way between two, where the highest one is a matter of rounding.
    side = [1 - 2 * draw.mask(0.5, batch, joints, 1, 1).double() for _ in range(2)]
    column, row = (place + sign * draw.uniform(0.12, 0.42, batch, joints, 1, 1) for place, sign in zip((column, row), side, strict=True))
    wide, high = draw.uniform(1.3, 2.0, batch, joints, 1, 1), draw.uniform(0.9, 1.3, batch, joints, 1, 1)
    top = draw.uniform(0.6, 1.4, batch, joints, 1, 1)
    maps = top * torch.exp(-0.5 * ((x - column) / wide) ** 2 - 0.5 * ((y - row) / high) ** 2)
    return maps * (1 + noise * draw.uniform(-1.0, 1.0, batch, joints, height, width)) + 0.01


def one_bump(method: str, batch: int = 3, joints: int = 4, height: int = 9, width: int = 14, noise: float = 0.02):
    """Case material: ``bump``."""
    return lambda draw: Inputs((bump(draw, batch, joints, height, width, noise),), {"method": method})


def perfect(method: str):
    """Case material: Gaussians without noise or floor, whose true top the parabola must find."""

    def material(draw: Draw) -> Inputs:
        x, y = torch.arange(15, dtype=torch.float64), torch.arange(11, dtype=torch.float64)[:, None]
        column, row = draw.uniform(3.0, 11.0, 3, 4, 1, 1), draw.uniform(3.0, 7.0, 3, 4, 1, 1)
        return Inputs((torch.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * 1.7**2)),), {"method": method})

    return material


def sized(method: str, batch: int, joints: int, height: int, width: int):
    """Case material: positive values of any kind on a map of any size; the highest cell may lie anywhere."""
    return lambda draw: Inputs((draw.uniform(0.1, 0.9, batch, joints, height, width),), {"method": method})


def crowned(method: str, cells: tuple[tuple[int, int], ...], height: int = 8, width: int = 11):
    """Case material: the highest cell of each map at a given row and column, such as a border; negative numbers count from the end."""

    def material(draw: Draw) -> Inputs:
        maps = draw.uniform(0.1, 0.9, 2, len(cells), height, width)
        for joint, (row, column) in enumerate(cells):
            maps[:, joint, row, column] = draw.uniform(1.0, 1.5, 2)
        return Inputs((maps,), {"method": method})

    return material


SIDES = ((0, 4), (-1, 6), (3, 0), (5, -1))
CORNERS = ((0, 0), (0, -1), (-1, 0), (-1, -1))


def ties(method: str):
    """Case material: two or three cells share the largest value, the second in reading order further to the left."""

    def material(draw: Draw) -> Inputs:
        maps = draw.uniform(0.1, 0.8, 3, 2, 8, 11)
        maps[:, 0, 2, 8] = maps[:, 0, 5, 3] = 0.9
        maps[:, 1, 3, 7] = maps[:, 1, 3, 9] = maps[:, 1, 6, 2] = 0.9
        return Inputs((maps,), {"method": method})

    return material


def plateau(method: str):
    """Case material: the largest value stands in two neighbouring cells, along a row or along a column."""

    def material(draw: Draw) -> Inputs:
        maps = draw.uniform(0.1, 0.8, 3, 2, 8, 11)
        maps[:, 0, 4, 5] = maps[:, 0, 4, 6] = 0.9
        maps[:, 1, 3, 4] = maps[:, 1, 4, 4] = 0.9
        return Inputs((maps,), {"method": method})

    return material


def level(method: str, value: float):
    """Case material: every cell holds the same value."""
    return lambda draw: Inputs((torch.full((2, 3, draw.whole(4, 8), draw.whole(9, 13)), value, dtype=torch.float64),), {"method": method})


def zeros_around(sides: int):
    """Case material: a bump cut out of its map: ``sides`` of the four neighbours of the highest cell are exactly zero."""

    def material(draw: Draw) -> Inputs:
        maps = draw.uniform(0.2, 0.7, 3, 4, 9, 14)
        for person in range(3):
            for joint in range(4):
                row, column = draw.whole(2, 7), draw.whole(2, 12)
                maps[person, joint, row, column] = draw.number(0.8, 1.2)
                for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0))[:sides]:
                    maps[person, joint, row + down, column + right] = 0.0
        return Inputs((maps,), {"method": "parabola"})

    return material


def below_zero(draw: Draw) -> Inputs:
    """Case material: a network's own maps, in which some neighbours of the highest cell are negative."""
    return Inputs((draw.normal(3, 4, 9, 14, mean=-0.3),), {"method": "parabola"})


def all_below_zero(draw: Draw) -> Inputs:
    """Case material: not a single positive value, so there is no logarithm at all."""
    return Inputs((-draw.uniform(0.1, 2.0, 3, 4, 9, 14),), {"method": "parabola"})


def one_below_zero(draw: Draw) -> Inputs:
    """Case material: two maps of a batch without any positive value, the others as usual."""
    maps = bump(draw, 3, 4, 9, 14)
    maps[1, 2] = -draw.uniform(0.1, 2.0, 9, 14)
    maps[2, 0] = -draw.uniform(0.1, 2.0, 9, 14)
    for person, joint in ((1, 2), (2, 0)):
        # away from the border, where nothing is refined anyway.
        maps[person, joint, draw.whole(2, 7), draw.whole(2, 12)] = -0.05
    return Inputs((maps,), {"method": "parabola"})


class DecodeHeatmap(Exercise):
    """The highest cell, a quarter of a cell towards the higher neighbour, and the top of a parabola through logarithms."""

    name = "pose.decode_heatmap"
    title = "Positions out of heatmaps"
    symbol = "decode_heatmap"
    points = {Family.VALUE: 2.75, Family.STABILITY: 0.75, Family.DTYPE: 0.5, Family.EDGE: 1.75, Family.PURITY: 0.25}
    diagnoses = {
        "the arg-max, without any refinement": lambda heatmaps, *, method: decoded(heatmaps, method="argmax"),
        "x and y swapped": lambda heatmaps, *, method: decoded(heatmaps, method=method).flip(-1),
        "the map searched column by column": lambda heatmaps, *, method: decoded(heatmaps.mT, method=method).flip(-1),
        "a quarter of a cell, whatever the method": lambda heatmaps, *, method: decoded(heatmaps, method="quarter"),
        "a parabola through the values, without the logarithm": bent_without_logarithm,
        "twice the refinement": full_step,
        "the refinement in the wrong direction": wrong_way,
        "half a cell instead of a quarter": lambda heatmaps, *, method: full_step(heatmaps, method="quarter"),
    }

    def reference(self, heatmaps: Tensor, method: str = "parabola") -> Tensor:
        return decoded(heatmaps, method=method)

    def oracle(self, heatmaps: Tensor, method: str) -> Tensor:
        # cell by cell, and the parabola as the solution of three equations for its coefficients.
        positions = np.zeros((*heatmaps.shape[:2], 2))
        through = np.array([[1.0, -1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
        for b, person in enumerate(heatmaps.numpy()):
            for j, values in enumerate(person):
                row, column = np.unravel_index(np.argmax(values), values.shape)
                for axis, place, line in ((0, column, values[row]), (1, row, values[:, column])):
                    positions[b, j, axis] = place
                    if method == "argmax" or not 0 < place < len(line) - 1:
                        continue
                    three = line[place - 1 : place + 2]
                    if method == "quarter":
                        positions[b, j, axis] += np.sign(three[2] - three[0]) / 4
                        continue
                    a, slope, _ = np.linalg.solve(through, np.log(np.maximum(three, FLOOR)))
                    positions[b, j, axis] += -slope / (2 * a) if a < 0 else 0.0
        return torch.from_numpy(positions)

    def cases(self) -> list[Case]:
        # a map moved by one rounding unit has no ties any more, and answers whole cells away: nothing can be derived from that.
        tied = 1e-5
        return [
            Case("one bump, arg-max", Family.VALUE, one_bump("argmax"), public=True),
            Case("one bump, quarter", Family.VALUE, one_bump("quarter"), public=True),
            Case("one bump, parabola", Family.VALUE, one_bump("parabola"), public=True),
            Case("one person, arg-max", Family.VALUE, one_bump("argmax", 1, 6, 8, 13)),
            Case("one person, quarter", Family.VALUE, one_bump("quarter", 1, 6, 8, 13)),
            Case("one person, parabola", Family.VALUE, one_bump("parabola", 1, 6, 8, 13)),
            Case("perfect Gaussians, parabola", Family.VALUE, perfect("parabola")),
            Case("taller than wide, quarter", Family.VALUE, one_bump("quarter", 3, 2, 17, 7)),
            Case("taller than wide, parabola", Family.VALUE, one_bump("parabola", 3, 2, 17, 7)),
            Case("noisy bumps, parabola", Family.VALUE, one_bump("parabola", 3, 5, 10, 13, noise=0.2)),
            Case("zero on one side of the highest cell", Family.STABILITY, zeros_around(1)),
            Case("zeros on three sides of the highest cell", Family.STABILITY, zeros_around(3), public=True),
            Case("zeros all around the highest cell", Family.STABILITY, zeros_around(4)),
            Case("some values below zero", Family.STABILITY, below_zero),
            Case("two maps without a value above zero", Family.STABILITY, one_below_zero),
            Case("all values below zero", Family.STABILITY, all_below_zero),
            Case("float64, parabola", Family.DTYPE, one_bump("parabola"), dtype="float64"),
            Case("float64, perfect Gaussians", Family.DTYPE, perfect("parabola"), dtype="float64"),
            Case("float64, quarter", Family.DTYPE, one_bump("quarter"), dtype="float64"),
            Case("highest cell at the border, parabola", Family.EDGE, crowned("parabola", SIDES), public=True),
            Case("highest cell at the border, quarter", Family.EDGE, crowned("quarter", SIDES)),
            Case("highest cell in a corner, parabola", Family.EDGE, crowned("parabola", CORNERS)),
            Case("highest cell in a corner, quarter", Family.EDGE, crowned("quarter", CORNERS)),
            Case("equal maxima, arg-max", Family.EDGE, ties("argmax"), atol=tied),
            Case("equal maxima, parabola", Family.EDGE, ties("parabola"), atol=tied),
            Case("two highest cells side by side, parabola", Family.EDGE, plateau("parabola"), atol=tied),
            Case("two highest cells side by side, quarter", Family.EDGE, plateau("quarter"), atol=tied),
            Case("the same value everywhere, parabola", Family.EDGE, level("parabola", 0.7), atol=tied),
            Case("zero everywhere, parabola", Family.EDGE, level("parabola", 0.0)),
            Case("map of one cell", Family.EDGE, sized("parabola", 3, 4, 1, 1)),
            Case("map one cell wide", Family.EDGE, sized("parabola", 3, 4, 9, 1)),
            Case("map one cell high", Family.EDGE, sized("quarter", 1, 4, 1, 14)),
            Case("no people", Family.EDGE, sized("parabola", 0, 4, 9, 14)),
            Case("last two axes swapped in memory", Family.EDGE, one_bump("parabola"), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, one_bump("quarter"), layout="strided"),
        ]
