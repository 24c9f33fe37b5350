"""Distances between sets of points: Chamfer and Hausdorff, and one step of a nearest-neighbour search in blocks."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def squared_table(first: Tensor, second: Tensor) -> Tensor:
    """Squared distances of two sets ``[2, M]`` and ``[2, N]``: ``[M, N]``."""
    return (first[:, :, None] - second[:, None]).square().sum(dim=0)


def pairs(count: int, ours: int, theirs: int, share: float = 0.7, hidden: float | None = None, far: float = 0.0):
    """Case material: point sets with masks.

    Args:
        share: of the points that are kept, about; at least two are.
        hidden: what stands in the place of a point that is masked out, where not a point that would count.
        far: added to all coordinates.
    """

    def one(draw: Draw, points: int) -> tuple[Tensor, Tensor]:
        mask = draw.mask(share, count, points)
        mask[:, :2] = True
        mask = mask.gather(1, draw.uniform(0, 1, count, points).argsort(dim=1))
        places = far + draw.normal(count, 2, points, mean=0.3)
        rubbish = places + draw.normal(count, 2, points, std=0.2) if hidden is None else torch.tensor(hidden, dtype=torch.float64)
        return torch.where(mask[:, None], places, rubbish), mask

    def material(draw: Draw) -> tuple[Tensor, ...]:
        (first, first_mask), (second, second_mask) = one(draw, ours), one(draw, theirs)
        return first, second, first_mask, second_mask

    return material


def shared_points(draw: Draw) -> tuple[Tensor, ...]:
    """The second set holds points of the first, one of them three times."""
    first, second, first_mask, second_mask = pairs(3, 6, 9, share=1.0)(draw)
    second = torch.cat((first[:, :, :4], first[:, :, 2:3], first[:, :, 2:3], second[:, :, 6:]), dim=2)
    return first, second, first_mask, second_mask


def same_points(draw: Draw) -> tuple[Tensor, ...]:
    """The second set is the first in another order."""
    first = draw.normal(3, 2, 7, mean=0.3)
    everything = torch.ones(3, 7, dtype=torch.bool)
    return first, first[:, :, torch.from_numpy(draw.generator.permutation(7))], everything, everything.clone()


def some_empty(draw: Draw) -> tuple[Tensor, ...]:
    """One set is empty on the left, one on the right, one pair on both sides."""
    first, second, first_mask, second_mask = pairs(4, 5, 8)(draw)
    first_mask[0], second_mask[1], first_mask[2], second_mask[2] = False, False, False, False
    return first, second, first_mask, second_mask


def two_sided(first: Tensor, second: Tensor, first_mask: Tensor, second_mask: Tensor, reduce, step) -> tuple[Tensor, Tensor]:
    """For every pair, from the left and from the right: ``reduce`` over valid points of ``step`` of the nearest squared distance."""
    ways: tuple[list[Tensor], list[Tensor]] = ([], [])
    for a, b, keep_a, keep_b in zip(first, second, first_mask, second_mask):
        table = squared_table(a[:, keep_a], b[:, keep_b])
        for way, axis in zip(ways, (1, 0)):
            way.append(reduce(step(table.amin(dim=axis))) if table.numel() else a.new_zeros(()))
    return tuple(torch.stack(way) if way else first.new_zeros(0) for way in ways)  # type: ignore[return-value]


def root(squared: Tensor) -> Tensor:
    """Square root, with slope 0 at 0."""
    return torch.where(squared > 0, torch.where(squared > 0, squared, 1.0).sqrt(), 0.0)


def chamfer_of(first: Tensor, second: Tensor, first_mask: Tensor, second_mask: Tensor) -> Tensor:
    there, back = two_sided(first, second, first_mask, second_mask, torch.mean, lambda squared: squared)
    return there + back


def hausdorff_of(first: Tensor, second: Tensor, first_mask: Tensor, second_mask: Tensor) -> tuple[Tensor, Tensor]:
    return two_sided(first, second, first_mask, second_mask, torch.max, root)


def tree_distances(first: Tensor, second: Tensor, first_mask: Tensor, second_mask: Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    """Nearest distances both ways, by SciPy's k-d tree; empty arrays where a side is empty."""
    from scipy.spatial import cKDTree

    found = []
    for a, b, keep_a, keep_b in zip(first, second, first_mask, second_mask):
        a_rows, b_rows = a[:, keep_a].T.numpy(), b[:, keep_b].T.numpy()
        nothing = np.zeros(0)
        empty = not (len(a_rows) and len(b_rows))
        found.append((nothing, nothing) if empty else (cKDTree(b_rows).query(a_rows)[0], cKDTree(a_rows).query(b_rows)[0]))
    return found


class Chamfer(Exercise):
    """The two-sided mean of squared nearest distances."""

    name = "shapes.chamfer"
    title = "Chamfer distance of masked point sets"
    symbol = "chamfer"
    points = {
        Family.VALUE: 1.0,
        Family.GRADIENT: 0.5,
        Family.STABILITY: 0.5,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.5,
        Family.PURITY: 0.25,
    }
    diagnoses = {
        "one side alone": lambda *sets: two_sided(*sets, torch.mean, lambda squared: squared)[0],
        "distances that are not squared": lambda *sets: sum(two_sided(*sets, torch.mean, root)),
        "the sum over the points instead of their mean": lambda *sets: sum(two_sided(*sets, torch.sum, lambda squared: squared)),
        "every point counted, masked or not": lambda first, second, *masks: chamfer_of(first, second, *map(torch.ones_like, masks)),
        "masked points taken for somebody's nearest": lambda first, second, mine, theirs: (
            two_sided(first, second, mine, torch.ones_like(theirs), torch.mean, lambda squared: squared)[0]
            + two_sided(first, second, torch.ones_like(mine), theirs, torch.mean, lambda squared: squared)[1]
        ),
    }

    def reference(self, first: Tensor, second: Tensor, first_mask: Tensor, second_mask: Tensor) -> Tensor:
        return chamfer_of(first, second, first_mask, second_mask)

    def oracle(self, first: Tensor, second: Tensor, first_mask: Tensor, second_mask: Tensor) -> Tensor:
        found = tree_distances(first, second, first_mask, second_mask)
        return torch.tensor([float((a**2).mean() + (b**2).mean()) if len(a) else 0.0 for a, b in found], dtype=torch.float64)

    def cases(self) -> list[Case]:
        nan = float("nan")
        return [
            Case("three pairs, some points masked", Family.VALUE, pairs(3, 6, 9), public=True),
            Case("one pair", Family.VALUE, pairs(1, 8, 5), public=True),
            Case("three pairs, drawn again", Family.VALUE, pairs(3, 10, 7)),
            Case("nothing masked", Family.VALUE, pairs(3, 5, 8, share=1.0)),
            Case("most points masked", Family.VALUE, pairs(4, 12, 9, share=0.2)),
            Case("gradient", Family.GRADIENT, pairs(3, 6, 9), public=True),
            Case("gradient, drawn again", Family.GRADIENT, pairs(3, 9, 5)),
            Case("masked points hold NaN", Family.STABILITY, pairs(3, 6, 9, hidden=nan), public=True),
            Case("masked points hold NaN, gradient", Family.STABILITY, pairs(3, 6, 9, hidden=nan), gradient=True),
            Case("masked points hold NaN, gradient, drawn again", Family.STABILITY, pairs(4, 9, 5, hidden=nan), gradient=True),
            Case("far from the origin", Family.STABILITY, pairs(3, 40, 30, far=300.0)),
            Case("far from the origin, drawn again", Family.STABILITY, pairs(3, 30, 45, far=-250.0)),
            Case("shared and repeated points, gradient", Family.STABILITY, shared_points, gradient=True, wrt=(0,)),
            Case("float64", Family.DTYPE, pairs(3, 6, 9), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, pairs(3, 9, 5), dtype="float64"),
            Case("empty sets", Family.EDGE, some_empty, public=True),
            Case("empty sets, gradient", Family.EDGE, some_empty, gradient=True),
            Case("one point against many", Family.EDGE, pairs(3, 2, 9)),
            Case("no pairs", Family.EDGE, pairs(0, 6, 9)),
            Case("every second element of a wider buffer", Family.EDGE, pairs(3, 6, 9), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, pairs(3, 6, 9), layout="transposed"),
        ]


class Hausdorff(Exercise):
    """The farthest that anybody has to go, both ways."""

    name = "shapes.hausdorff"
    title = "One-sided Hausdorff distances, both ways"
    symbol = "hausdorff"
    points = {Family.VALUE: 0.75, Family.GRADIENT: 0.25, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.25}
    diagnoses = {
        "the two ways exchanged": lambda *sets: hausdorff_of(*sets)[::-1],
        "the larger one for both ways": lambda *sets: (torch.maximum(*hausdorff_of(*sets)),) * 2,
        "squared distances": lambda *sets: tuple(way.square() for way in hausdorff_of(*sets)),
        "the mean instead of the largest": lambda *sets: two_sided(*sets, torch.mean, root),
        "every point counted, masked or not": lambda first, second, *masks: hausdorff_of(first, second, *map(torch.ones_like, masks)),
    }

    def reference(self, first: Tensor, second: Tensor, first_mask: Tensor, second_mask: Tensor) -> tuple[Tensor, Tensor]:
        return hausdorff_of(first, second, first_mask, second_mask)

    def oracle(self, first: Tensor, second: Tensor, first_mask: Tensor, second_mask: Tensor) -> tuple[Tensor, Tensor]:
        found = tree_distances(first, second, first_mask, second_mask)
        ways = zip(*((a.max(), b.max()) if len(a) else (0.0, 0.0) for a, b in found)) if found else ((), ())
        return tuple(torch.tensor(way, dtype=torch.float64) for way in ways)  # type: ignore[return-value]

    def cases(self) -> list[Case]:
        nan = float("nan")
        return [
            Case("three pairs, some points masked", Family.VALUE, pairs(3, 6, 9), public=True),
            Case("one pair", Family.VALUE, pairs(1, 8, 5), public=True),
            Case("three pairs, drawn again", Family.VALUE, pairs(3, 10, 7)),
            Case("most points masked", Family.VALUE, pairs(4, 12, 9, share=0.2)),
            Case("gradient", Family.GRADIENT, pairs(3, 6, 9), public=True),
            Case("gradient, drawn again", Family.GRADIENT, pairs(3, 9, 5)),
            Case("the same points in another order, gradient", Family.STABILITY, same_points, gradient=True, public=True),
            Case("the same points, drawn again", Family.STABILITY, same_points, gradient=True),
            Case("shared and repeated points, gradient", Family.STABILITY, shared_points, gradient=True, wrt=(0,)),
            Case("masked points hold NaN, gradient", Family.STABILITY, pairs(3, 6, 9, hidden=nan), gradient=True),
            Case("float64", Family.DTYPE, pairs(3, 6, 9), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, pairs(3, 9, 5), dtype="float64"),
            Case("empty sets", Family.EDGE, some_empty, public=True),
            Case("empty sets, gradient", Family.EDGE, some_empty, gradient=True),
            Case("no pairs", Family.EDGE, pairs(0, 6, 9)),
            Case("every second element of a wider buffer", Family.EDGE, pairs(3, 6, 9), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, pairs(3, 6, 9), layout="transposed"),
        ]


def searched(count: int, ours: int, before: int, block: int, whole: bool = False):
    """Case material: what the search has found among ``before`` earlier points, and the next block.

    Args:
        before: 0 for a search that begins: best is infinite, and the index -1.
        whole: all coordinates are small whole numbers, so that many distances are equal to the last bit.
    """

    def places(draw: Draw, points: int) -> Tensor:
        return draw.integers(-2, 3, count, 2, points).double() if whole else draw.normal(count, 2, points, mean=0.3)

    def material(draw: Draw) -> Inputs:
        # a float32 best is that of float32 points; earlier points need not be known to that bit.
        first, earlier, coming = (places(draw, points) for points in (ours, before, block))
        table = (first[:, :, :, None] - earlier[:, :, None]).square().sum(dim=1)
        smallest = table.min(dim=2) if before else None
        best = smallest.values if smallest else torch.full((count, ours), math.inf, dtype=torch.float64)
        index = smallest.indices if smallest else torch.full((count, ours), -1)
        return Inputs((best, index, first, coming), {"start": before})

    return material


class NearestUpdate(Exercise):
    """One step of a nearest-neighbour search that goes through the second set in blocks."""

    name = "shapes.nearest_update"
    title = "Nearest neighbours, one block further"
    symbol = "nearest_update"
    points = {Family.VALUE: 1.0, Family.DTYPE: 0.25, Family.EDGE: 0.75}

    def reference(self, best: Tensor, index: Tensor, first: Tensor, block: Tensor, start: int) -> tuple[Tensor, Tensor]:
        best, index = best.clone(), index.clone()
        for number in range(block.shape[2]):
            squared = (first - block[:, :, number, None]).square().sum(dim=1)
            closer = squared < best
            best, index = torch.where(closer, squared, best), torch.where(closer, start + number, index)
        return best, index

    def oracle(self, best: Tensor, index: Tensor, first: Tensor, block: Tensor, start: int) -> tuple[Tensor, Tensor]:
        best, index = best.numpy().copy(), index.numpy().copy()
        points, coming = first.numpy(), block.numpy()
        for b, m in np.ndindex(*best.shape):
            squared = [float(((points[b, :, m] - place) ** 2).sum()) for place in coming[b].T]
            # numpy's argmin takes the first of several.
            if squared and min(squared) < best[b, m]:
                best[b, m], index[b, m] = min(squared), start + int(np.argmin(squared))
        return torch.from_numpy(best), torch.from_numpy(index)

    def cases(self) -> list[Case]:
        return [
            Case("seven points, then a block of four", Family.VALUE, searched(3, 6, 7, 4), public=True),
            Case("the search begins", Family.VALUE, searched(3, 5, 0, 7), public=True),
            Case("one pair", Family.VALUE, searched(1, 8, 5, 6)),
            Case("drawn again", Family.VALUE, searched(3, 9, 8, 5)),
            Case("a long search, drawn again", Family.VALUE, searched(4, 7, 20, 30)),
            Case("float64", Family.DTYPE, searched(3, 6, 7, 4), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, searched(3, 9, 4, 8), dtype="float64"),
            Case("equally near: the earlier one stays", Family.EDGE, searched(3, 9, 10, 12, whole=True), public=True),
            Case("equally near, drawn again", Family.EDGE, searched(4, 8, 6, 11, whole=True)),
            Case("equally near, the search begins", Family.EDGE, searched(3, 9, 0, 14, whole=True)),
            Case("an empty block", Family.EDGE, searched(3, 6, 7, 0)),
            Case("no pairs", Family.EDGE, searched(0, 6, 7, 4)),
            Case("every second element of a wider buffer", Family.EDGE, searched(3, 6, 7, 4), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, searched(3, 6, 7, 4), layout="transposed"),
        ]
