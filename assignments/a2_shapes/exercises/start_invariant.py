"""A distance between closed polygons that does not mind where they start: by loops, in a batch, and for all shifts by the FFT."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

# the distance, and the half of it that does the work.
READY = tuple(f"vislab.geometry.correspondence.{name}" for name in ("start_invariant_distance", "_best_start"))


def stars(draw: Draw, count: int, vertices: int) -> Tensor:
    """Star-shaped simple polygons ``[count, 2, vertices]`` with random radii, none of them centred at the origin."""
    step = torch.arange(vertices) + draw.uniform(-0.3, 0.3, count, vertices)
    angle = 2 * math.pi * step / vertices + draw.uniform(0.0, 6.0, count, 1)
    radius = draw.uniform(0.5, 1.5, count, vertices)
    outline = torch.stack((radius * angle.cos(), radius * angle.sin()), dim=1)
    return outline + draw.uniform(0.2, 0.6, count, 2, 1)


def unlike(count: int, vertices: int, far: float = 0.0):
    """Case material: polygons that have nothing to do with one another, ``far`` from the origin."""
    return lambda draw: (far + stars(draw, count, vertices), far + stars(draw, count, vertices))


def alike(count: int, vertices: int, shift: int, noise: float = 0.15):
    """Case material: the second is the first, beginning ``shift`` vertices earlier, with noise."""

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        first = stars(draw, count, vertices)
        return first, first.roll(shift, -1) + draw.normal(count, 2, vertices, std=noise)

    return material


def backwards(count: int, vertices: int):
    """Case material: the second is the first, run the other way round, with a little noise: no shift brings the two together."""

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        first = stars(draw, count, vertices)
        return first, first.flip(-1).roll(2, -1) + draw.normal(count, 2, vertices, std=0.1)

    return material


def torn(count: int, vertices: int, noise: float = 0.15):
    """Case material: the second is the first, its x and its y begun elsewhere by different numbers of vertices, with noise."""

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        first = stars(draw, count, vertices)
        moved = torch.stack((first[:, 0].roll(-1, -1), first[:, 1].roll(3, -1)), dim=1)
        return first, moved + draw.normal(count, 2, vertices, std=noise)

    return material


def without_shortcuts(material):
    """Case material: drawn again until only a look at all shifts, of both coordinates together, finds the smallest cost of each pair.

    The best shift lies in the second half, is not that of the vertex nearest to the first one's first, and not what x and y would choose.
    """

    def again(draw: Draw) -> tuple[Tensor, Tensor]:
        for _ in range(1000):
            first, second = material(draw)
            costs = costs_of(first, second)
            nearest = (second - first[..., :1]).square().sum(dim=-2).argmin(dim=-1)
            alone = sum(costs_of(first[..., row : row + 1, :], second[..., row : row + 1, :]).amin(dim=-1) for row in (0, 1))
            best_shift = costs.argmin(dim=-1)
            late = best_shift >= (first.shape[-1] + 1) // 2
            if bool((late & (best_shift != nearest) & (alone < 0.98 * costs.amin(dim=-1))).all()):
                return first, second
        raise RuntimeError("every pair drawn allows a shortcut; ask for fewer pairs at once")

    return again


def varied(count: int, vertices: int, kept: bool = False, far: float = 0.0):
    """Case material: pairs of four kinds in an order that is drawn, so that no mistake about the shifts suits a whole batch.

    A start in the second half; run the other way round; x and y begun elsewhere each on its own; and one vertex later or, if ``kept``,
    the same start.
    """
    kinds = (
        alike(1, vertices, vertices - 2),
        backwards(1, vertices),
        without_shortcuts(torn(1, vertices)),
        alike(1, vertices, 0 if kept else 1),
    )

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        order = [int(kind) for kind in draw.generator.permutation(len(kinds))]
        pairs = [kinds[order[pair % len(kinds)]](draw) for pair in range(count)]
        return far + torch.cat([first for first, _ in pairs]), far + torch.cat([second for _, second in pairs])

    return material


def one_place(draw: Draw) -> tuple[Tensor, Tensor]:
    """Every vertex of the second lies in one place, so that all shifts cost the same."""
    return stars(draw, 3, 8), draw.uniform(-1.0, 1.0, 3, 2, 1).expand(3, 2, 8).clone()


def alone(material):
    """Case material: one pair without the batch axis."""
    return lambda draw: tuple(part[0] for part in material(draw))


def costs_of(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared distance for every shift, by rolling: ``[B, N]``."""
    count = first.shape[-1]
    return torch.stack([(first - second.roll(-shift, -1)).square().sum(dim=-2).mean(dim=-1) for shift in range(count)], dim=-1)


def costs_by_hand(first: Tensor, second: Tensor) -> Tensor:
    """The same by a triple loop over Python's complex numbers."""
    batch, _, count = first.shape
    a, b = ([[complex(x, y) for x, y in zip(*polygon)] for polygon in part.tolist()] for part in (first, second))
    table = [
        [sum(abs(a[item][n] - b[item][(n + shift) % count]) ** 2 for n in range(count)) / count for shift in range(count)]
        for item in range(batch)
    ]
    return torch.tensor(table, dtype=torch.float64).reshape(batch, count)


def best(first: Tensor, second: Tensor) -> Tensor:
    """The smallest of all shifts' costs."""
    return costs_of(first, second).amin(dim=-1)


def sizes(first: Tensor, second: Tensor) -> Tensor:
    """Mean squares of both around the middle of the first, added: ``[B, 1]``."""
    middle = first.mean(dim=-1, keepdim=True)
    return ((first - middle).square() + (second - middle).square()).sum(dim=1).mean(dim=-1, keepdim=True)


class CyclicDistanceLoop(Exercise):
    """The distance of one pair, the way the specification says it."""

    name = "shapes.cyclic_distance_loop"
    title = "Start-invariant distance, by loops"
    symbol = "cyclic_distance_loop"
    points = {Family.VALUE: 1.25, Family.DTYPE: 0.25, Family.EDGE: 0.5}
    tripwires = READY
    diagnoses = {
        "the distance without any shift": lambda first, second: costs_of(first, second)[..., 0],
        "the largest cost instead of the smallest": lambda first, second: costs_of(first, second).amax(dim=-1),
        "distances that are not squared": lambda first, second: torch.stack(
            [(first - second.roll(shift, -1)).norm(dim=-2).mean(dim=-1) for shift in range(first.shape[-1])]
        ).amin(dim=0),
    }

    def reference(self, first: Tensor, second: Tensor) -> Tensor:
        return best(first, second)

    def oracle(self, first: Tensor, second: Tensor) -> Tensor:
        return costs_by_hand(first[None], second[None]).min()

    def cases(self) -> list[Case]:
        return [
            Case("seven vertices", Family.VALUE, alone(unlike(1, 7)), public=True),
            Case("the same polygon from another start, with noise", Family.VALUE, alone(alike(1, 8, 3)), public=True),
            Case("nine vertices", Family.VALUE, alone(without_shortcuts(unlike(1, 9)))),
            Case("ten vertices", Family.VALUE, alone(without_shortcuts(unlike(1, 10)))),
            Case("the last shift is the best", Family.VALUE, alone(alike(1, 8, -1))),
            Case("the last shift but one is the best", Family.VALUE, alone(alike(1, 9, -2))),
            Case("x and y begun elsewhere each", Family.VALUE, alone(without_shortcuts(torn(1, 11)))),
            Case("x and y begun elsewhere each, drawn again", Family.VALUE, alone(without_shortcuts(torn(1, 8)))),
            Case("run backwards", Family.VALUE, alone(without_shortcuts(backwards(1, 9)))),
            Case("run backwards, drawn again", Family.VALUE, alone(without_shortcuts(backwards(1, 10)))),
            Case("fifteen vertices", Family.VALUE, alone(without_shortcuts(unlike(1, 15)))),
            Case("twelve vertices", Family.VALUE, alone(without_shortcuts(unlike(1, 12)))),
            Case("float64", Family.DTYPE, alone(without_shortcuts(unlike(1, 7))), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, alone(without_shortcuts(torn(1, 9))), dtype="float64"),
            Case("the same start", Family.EDGE, alone(alike(1, 9, 0))),
            Case("the same start, drawn again", Family.EDGE, alone(alike(1, 7, 0))),
            Case("a single vertex", Family.EDGE, alone(unlike(1, 1)), public=True),
            Case("two vertices", Family.EDGE, alone(unlike(1, 2))),
            Case("last two axes swapped in memory", Family.EDGE, alone(unlike(1, 9)), layout="transposed"),
        ]


class CyclicDistance(Exercise):
    """The distance of a batch of pairs."""

    name = "shapes.cyclic_distance"
    title = "Start-invariant distance of a batch"
    symbol = "cyclic_distance"
    points = {
        Family.VALUE: 1.0,
        Family.GRADIENT: 0.75,
        Family.STABILITY: 0.25,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.5,
        Family.PURITY: 0.25,
    }
    tripwires = READY
    diagnoses = {
        **CyclicDistanceLoop.diagnoses,
        "one shift for the whole batch": lambda first, second: costs_of(first, second)[:, int(costs_of(first, second).sum(dim=0).argmin())],
        "the smallest distance of the whole batch": lambda first, second: best(first, second).amin().expand(len(first)),
    }

    def reference(self, first: Tensor, second: Tensor) -> Tensor:
        return best(first, second)

    def oracle(self, first: Tensor, second: Tensor) -> Tensor:
        return costs_by_hand(first, second).amin(dim=1)

    def cases(self) -> list[Case]:
        return [
            Case("three pairs", Family.VALUE, unlike(3, 7), public=True),
            Case("one pair", Family.VALUE, unlike(1, 10), public=True),
            Case("pairs of four kinds", Family.VALUE, varied(4, 9, kept=True)),
            Case("pairs of four kinds, drawn again", Family.VALUE, varied(5, 10)),
            Case("pairs of four kinds, drawn a third time", Family.VALUE, varied(4, 7)),
            Case("six pairs of four kinds", Family.VALUE, varied(6, 8, kept=True)),
            Case("many vertices", Family.VALUE, varied(5, 41)),
            Case("one vertex later", Family.VALUE, alike(3, 8, -1)),
            Case("one pair, drawn again", Family.VALUE, without_shortcuts(unlike(1, 9))),
            Case("gradient", Family.GRADIENT, unlike(3, 7), public=True),
            Case("gradient, drawn again", Family.GRADIENT, varied(4, 10)),
            Case("gradient where all shifts cost the same", Family.GRADIENT, one_place, wrt=(0,)),
            Case("far from the origin", Family.STABILITY, varied(4, 9, kept=True, far=300.0)),
            Case("far from the origin, drawn again", Family.STABILITY, varied(5, 10, far=-250.0)),
            Case("float64", Family.DTYPE, varied(4, 7), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, varied(5, 8, kept=True), dtype="float64"),
            Case("a single vertex", Family.EDGE, unlike(3, 1), public=True),
            Case("two vertices", Family.EDGE, unlike(3, 2)),
            Case("no pairs", Family.EDGE, unlike(0, 7)),
            Case("no pairs of single vertices", Family.EDGE, unlike(0, 1)),
            Case("all shifts cost the same", Family.EDGE, one_place),
            Case("every second element of a wider buffer", Family.EDGE, varied(4, 8), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, varied(5, 8, kept=True), layout="transposed"),
            Case("last two axes swapped in memory, drawn again", Family.EDGE, varied(4, 9), layout="transposed"),
        ]


class ShiftCosts(Exercise):
    """The costs of all shifts, by a cross-correlation."""

    name = "shapes.shift_costs"
    title = "Costs of all shifts by the FFT"
    symbol = "shift_costs"
    points = {
        Family.VALUE: 1.0,
        Family.GRADIENT: 0.5,
        Family.STABILITY: 0.75,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.25,
        Family.RULE: 0.25,
    }
    forbidden = ("torch.roll", "torch.gather", "torch.cdist", "torch.take_along_dim", "aten::index", "aten::unfold", "aten::as_strided")
    # the square is expanded, so a cost is the difference of numbers that are several times as large.
    tolerance_factor = 64.0
    diagnoses = {
        "the shifts in the other direction": lambda first, second: costs_of(second, first),
        "the correlation alone, without the two sizes": lambda first, second: (sizes(first, second) - costs_of(first, second)) / 2,
        "the correlation counted once instead of twice": lambda first, second: (sizes(first, second) + costs_of(first, second)) / 2,
    }

    def reference(self, first: Tensor, second: Tensor) -> Tensor:
        return costs_of(first, second)

    def oracle(self, first: Tensor, second: Tensor) -> Tensor:
        return costs_by_hand(first, second)

    def cases(self) -> list[Case]:
        return [
            Case("three pairs, odd number of vertices", Family.VALUE, unlike(3, 7), public=True),
            Case("one pair, even number of vertices", Family.VALUE, unlike(1, 10), public=True),
            Case("three pairs, odd, drawn again", Family.VALUE, unlike(3, 11)),
            Case("three pairs, even, drawn again", Family.VALUE, unlike(3, 8)),
            Case("the same polygons from another start", Family.VALUE, alike(3, 9, 4)),
            Case("gradient", Family.GRADIENT, unlike(3, 7), public=True),
            Case("gradient, drawn again", Family.GRADIENT, unlike(3, 8)),
            Case("far from the origin", Family.STABILITY, unlike(3, 8, far=300.0), public=True),
            Case("far from the origin, drawn again", Family.STABILITY, unlike(3, 9, far=-250.0)),
            Case(
                "far from the origin, the same polygons",
                Family.STABILITY,
                lambda draw: tuple(500.0 + part for part in alike(3, 9, 2)(draw)),
            ),
            Case("float64", Family.DTYPE, unlike(3, 7), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, unlike(3, 8), dtype="float64"),
            Case("a single vertex", Family.EDGE, unlike(3, 1)),
            Case("two vertices", Family.EDGE, unlike(3, 2)),
            Case("no pairs", Family.EDGE, unlike(0, 7)),
            Case("every second element of a wider buffer", Family.EDGE, unlike(3, 8), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, unlike(3, 8), layout="transposed"),
        ]
