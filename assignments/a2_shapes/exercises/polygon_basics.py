"""Area, length, middle and direction of closed polygons."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

# an area of at most this share of the squared length counts as none.
FLAT = 1e-6


def outlines(draw: Draw, count: int, vertices: int, turns: int = 1) -> Tensor:
    """Polygons ``[count, 2, vertices]`` around places that are not the origin: random radii, every second one clockwise."""
    step = torch.arange(vertices) + draw.uniform(-0.3, 0.3, count, vertices)
    angle = 2 * math.pi * turns * step / vertices + draw.uniform(0.0, 6.0, count, 1)
    angle[draw.whole(0, 2) :: 2] *= -1
    radius = draw.uniform(0.5, 1.5, count, vertices)
    return torch.stack((radius * angle.cos(), radius * angle.sin()), dim=1) + draw.uniform(0.2, 0.6, count, 2, 1)


def drawn(count: int, vertices: int, far: float = 0.0, turns: int = 1, size: float = 1.0):
    """Case material: polygons of a size, ``far`` from the origin; with two turns they cross themselves."""
    return lambda draw: (far + size * outlines(draw, count, vertices, turns),)


def repeated(count: int, vertices: int, place: int):
    """Case material: the vertex at ``place`` stands twice in a row; -1: the first one stands again at the end."""

    def material(draw: Draw) -> tuple[Tensor]:
        shapes = outlines(draw, count, vertices)
        order = [*range(vertices), 0] if place < 0 else [*range(place + 1), *range(place, vertices)]
        return (shapes[:, :, order],)

    return material


def flat(draw: Draw) -> tuple[Tensor]:
    """Case material: between two ordinary polygons one whose vertices lie on a line, and a bow tie whose halves cancel."""
    shapes = outlines(draw, 4, 4)
    start, way = draw.uniform(0.3, 0.9, 2, 1), draw.uniform(0.4, 1.0, 2, 1)
    shapes[1] = start + way * draw.uniform(-1.0, 1.0, 4)
    a, b, c = draw.uniform(-1.0, 1.0, 3, 2)
    # the opposite sides of a parallelogram joined crosswise.
    shapes[2] = torch.stack((a, b, a + c, b + c), dim=1)
    return (shapes,)


def in_one_place(draw: Draw) -> tuple[Tensor]:
    """Case material: all vertices of the last polygon lie in one place."""
    shapes = outlines(draw, 3, 5)
    shapes[-1] = draw.uniform(0.3, 0.9, 2, 1)
    return (shapes,)


def balanced(draw: Draw) -> tuple[Tensor]:
    """Case material: bow ties of whole numbers, whose area is zero to the last bit, beside a rectangle that runs clockwise."""
    x, y, w, h = (float(draw.whole(2, 9)) for _ in range(4))
    tie = [[x, x + w, x, x + w], [y, y, y + h, y + h]]
    box = [[x, x, x + w, x + w], [y, y + h, y + h, y]]
    return (torch.tensor([tie, box, [row[::-1] for row in tie]], dtype=torch.float64),)


def by_hand(draw: Draw) -> tuple[Tensor]:
    """Case material: a triangle of area 6 with sides 3, 4 and 5, and the same one run the other way."""
    triangle = torch.tensor([[2.0, 5.0, 5.0], [3.0, 3.0, 7.0]], dtype=torch.float64)
    return (torch.stack((triangle, triangle.flip(-1))),)


def cross_of(polygons: Tensor) -> Tensor:
    """Twice the signed area of the triangle between the origin and every edge, ``[B, N]``."""
    x, y = polygons.unbind(dim=1)
    return x * y.roll(-1, -1) - x.roll(-1, -1) * y


def centred(polygons: Tensor) -> tuple[Tensor, Tensor]:
    """The polygons around their mean vertex, and that vertex."""
    mean = polygons.mean(dim=2, keepdim=True)
    return polygons - mean, mean


def area_of(polygons: Tensor) -> Tensor:
    return cross_of(centred(polygons)[0]).sum(dim=1) / 2


def length_of(polygons: Tensor) -> Tensor:
    # the norm of torch.linalg has the gradient 0 where it is 0.
    return torch.linalg.vector_norm(polygons.roll(-1, -1) - polygons, dim=1).sum(dim=1)


def middle_of(polygons: Tensor) -> Tensor:
    shapes, mean = centred(polygons)
    cross = cross_of(shapes)
    area = cross.sum(dim=1, keepdim=True) / 2
    thin = area.abs() <= FLAT * length_of(shapes)[:, None].square()
    moment = ((shapes + shapes.roll(-1, -1)) * cross[:, None]).sum(dim=2)
    return mean[..., 0] + torch.where(thin, 0.0, moment / torch.where(thin, 1.0, 6 * area))


def exact(polygons: Tensor) -> list[list[tuple[Fraction, Fraction]]]:
    """Vertices as fractions, which know no rounding."""
    return [[(Fraction(x), Fraction(y)) for x, y in zip(*polygon, strict=True)] for polygon in polygons.tolist()]


def trapezoids(vertices: list[tuple[Fraction, Fraction]]) -> Fraction:
    """Signed area between the outline and the x axis, edge by edge."""
    pairs = zip(vertices, vertices[1:] + vertices[:1], strict=True)
    return sum(((x - u) * (y + v) / 2 for (x, y), (u, v) in pairs), Fraction(0))


def fan(vertices: list[tuple[Fraction, Fraction]]) -> tuple[float, float]:
    """Middles of the triangles around the first vertex, weighted by their areas."""
    (x, y), rest = vertices[0], vertices[1:]
    total, sums = Fraction(0), [Fraction(0), Fraction(0)]
    for (a, b), (c, d) in pairwise(rest):
        area = ((a - x) * (d - y) - (c - x) * (b - y)) / 2
        total += area
        sums = [sums[0] + area * (x + a + c) / 3, sums[1] + area * (y + b + d) / 3]
    length = math.fsum(math.dist(one, other) for one, other in zip(vertices, [*rest, vertices[0]], strict=True))
    if abs(total) <= FLAT * length**2:
        sums, total = [sum((vertex[axis] for vertex in vertices), Fraction(0)) for axis in (0, 1)], Fraction(len(vertices))
    return float(sums[0] / total), float(sums[1] / total)


def run_forwards(polygons: Tensor) -> Tensor:
    back = polygons.flip(-1).roll(1, -1)
    return torch.where(area_of(polygons)[:, None, None] < 0, back, polygons)


class SignedArea(Exercise):
    """Area by the shoelace formula, positive for polygons that run counter-clockwise."""

    name = "shapes.signed_area"
    title = "Signed area"
    symbol = "signed_area"
    points = {
        Family.VALUE: 1.0,
        Family.GRADIENT: 0.5,
        Family.STABILITY: 0.75,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.25,
        Family.PURITY: 0.25,
    }
    diagnoses = {
        "an area without its sign": lambda polygons: area_of(polygons).abs(),
        "positive for clockwise": lambda polygons: -area_of(polygons),
        "twice the area": lambda polygons: 2 * area_of(polygons),
        "the last vertex not joined to the first": lambda polygons: cross_of(centred(polygons)[0])[:, :-1].sum(dim=1) / 2,
    }

    def reference(self, polygons: Tensor) -> Tensor:
        return area_of(polygons)

    def oracle(self, polygons: Tensor) -> Tensor:
        return torch.tensor([float(trapezoids(vertices)) for vertices in exact(polygons)], dtype=torch.float64)

    def cases(self) -> list[Case]:
        return [
            Case("a triangle by hand, corner 2 3", Family.VALUE, by_hand, public=True),
            Case("three polygons", Family.VALUE, drawn(3, 7), public=True),
            Case("one polygon", Family.VALUE, drawn(1, 9)),
            Case("four polygons", Family.VALUE, drawn(4, 11)),
            Case("polygons that cross themselves", Family.VALUE, drawn(3, 7, turns=2)),
            Case("many vertices", Family.VALUE, drawn(3, 96)),
            Case("gradient", Family.GRADIENT, drawn(3, 7), public=True),
            Case("gradient, drawn again", Family.GRADIENT, drawn(4, 10)),
            Case("ten thousand from the origin", Family.STABILITY, drawn(6, 9, far=1e4), public=True),
            Case("ten thousand from the origin, drawn again", Family.STABILITY, drawn(5, 96, far=-1e4)),
            Case("a hundred from the origin", Family.STABILITY, drawn(5, 12, far=100.0)),
            Case("float64", Family.DTYPE, drawn(3, 7), dtype="float64"),
            Case("float64, a million from the origin", Family.DTYPE, drawn(3, 8, far=1e6), dtype="float64"),
            Case("the first vertex again at the end", Family.EDGE, repeated(3, 7, -1)),
            Case("two vertices", Family.EDGE, drawn(3, 2)),
            Case("a single vertex", Family.EDGE, drawn(3, 1)),
            Case("no polygons", Family.EDGE, drawn(0, 7)),
            Case("every second element of a wider buffer", Family.EDGE, drawn(3, 8), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, drawn(3, 8), layout="transposed"),
        ]


class Perimeter(Exercise):
    """Length of the outline, the edge from last to first included."""

    name = "shapes.perimeter"
    title = "Length of an outline"
    symbol = "perimeter"
    points = {Family.VALUE: 0.75, Family.GRADIENT: 0.25, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.25}
    diagnoses = {
        "the last vertex not joined to the first": lambda polygons: polygons.diff(dim=2).norm(dim=1).sum(dim=1),
        "squared lengths": lambda polygons: (polygons.roll(-1, -1) - polygons).square().sum(dim=(1, 2)),
        "the mean length of an edge": lambda polygons: length_of(polygons) / polygons.shape[2],
        "lengths along the axes": lambda polygons: (polygons.roll(-1, -1) - polygons).abs().sum(dim=(1, 2)),
    }

    def reference(self, polygons: Tensor) -> Tensor:
        return length_of(polygons)

    def oracle(self, polygons: Tensor) -> Tensor:
        lengths = []
        for polygon in polygons.tolist():
            vertices = list(zip(*polygon, strict=True))
            lengths.append(math.fsum(math.dist(a, b) for a, b in zip(vertices, vertices[1:] + vertices[:1], strict=True)))
        return torch.tensor(lengths, dtype=torch.float64)

    def cases(self) -> list[Case]:
        return [
            Case("a triangle by hand, corner 2 3", Family.VALUE, by_hand, public=True),
            Case("three polygons", Family.VALUE, drawn(3, 7), public=True),
            Case("one polygon", Family.VALUE, drawn(1, 9)),
            Case("four polygons", Family.VALUE, drawn(4, 11)),
            Case("polygons that cross themselves", Family.VALUE, drawn(3, 7, turns=2)),
            Case("gradient", Family.GRADIENT, drawn(3, 7)),
            Case("gradient, drawn again", Family.GRADIENT, drawn(4, 10)),
            Case("gradient, the first vertex again at the end", Family.STABILITY, repeated(3, 7, -1), gradient=True, public=True),
            Case("gradient, a vertex that stands twice", Family.STABILITY, repeated(4, 8, 3), gradient=True),
            Case("polygons of a millionth", Family.STABILITY, drawn(3, 8, size=1e-6)),
            Case("gradient, polygons of a millionth", Family.STABILITY, drawn(3, 9, size=1e-6), gradient=True),
            Case("float64", Family.DTYPE, drawn(3, 7), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, drawn(3, 12), dtype="float64"),
            Case("two vertices", Family.EDGE, drawn(3, 2)),
            Case("a single vertex", Family.EDGE, drawn(3, 1)),
            Case("no polygons", Family.EDGE, drawn(0, 7)),
            Case("every second element of a wider buffer", Family.EDGE, drawn(3, 8), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, drawn(3, 8), layout="transposed"),
        ]


class Centroid(Exercise):
    """The middle of the area, and that of the vertices where there is no area."""

    name = "shapes.centroid"
    title = "Middle of an area"
    symbol = "centroid"
    points = {Family.VALUE: 1.0, Family.GRADIENT: 0.5, Family.STABILITY: 0.75, Family.DTYPE: 0.25, Family.EDGE: 0.5}
    diagnoses = {
        "the mean of the vertices": lambda polygons: polygons.mean(dim=2),
        "the middle of the outline": lambda polygons: _middle_of_the_outline(polygons),
        "the mean vertex not added back": lambda polygons: middle_of(polygons) - polygons.mean(dim=2),
    }

    def reference(self, polygons: Tensor) -> Tensor:
        return middle_of(polygons)

    def oracle(self, polygons: Tensor) -> Tensor:
        return torch.tensor([fan(vertices) for vertices in exact(polygons)], dtype=torch.float64).reshape(-1, 2)

    def cases(self) -> list[Case]:
        return [
            Case("a triangle by hand, corner 2 3", Family.VALUE, by_hand, public=True),
            Case("three polygons", Family.VALUE, drawn(3, 7), public=True),
            Case("one polygon", Family.VALUE, drawn(1, 9)),
            Case("four polygons", Family.VALUE, drawn(4, 11)),
            Case("many vertices", Family.VALUE, drawn(3, 96)),
            Case("gradient", Family.GRADIENT, drawn(3, 7)),
            Case("gradient, drawn again", Family.GRADIENT, drawn(4, 10)),
            Case("ten thousand from the origin", Family.STABILITY, drawn(6, 9, far=1e4), public=True),
            Case("ten thousand from the origin, drawn again", Family.STABILITY, drawn(5, 20, far=-1e4)),
            Case("gradient, no area", Family.STABILITY, flat, gradient=True),
            Case("gradient, all vertices in one place", Family.STABILITY, in_one_place, gradient=True),
            Case("polygons of a thousandth", Family.STABILITY, drawn(3, 8, size=1e-3)),
            Case("float64", Family.DTYPE, drawn(3, 7), dtype="float64"),
            Case("float64, a million from the origin", Family.DTYPE, drawn(3, 8, far=1e6), dtype="float64"),
            Case("no area", Family.EDGE, flat, public=True),
            Case("the first vertex again at the end", Family.EDGE, repeated(3, 7, -1)),
            Case("two vertices", Family.EDGE, drawn(3, 2)),
            Case("a single vertex", Family.EDGE, drawn(3, 1)),
            Case("no polygons", Family.EDGE, drawn(0, 7)),
            Case("every second element of a wider buffer", Family.EDGE, drawn(3, 8), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, drawn(3, 8), layout="transposed"),
        ]


def _middle_of_the_outline(polygons: Tensor) -> Tensor:
    following = polygons.roll(-1, -1)
    length = (following - polygons).norm(dim=1, keepdim=True)
    return ((polygons + following) / 2 * length).sum(dim=2) / length.sum(dim=2).clamp(min=1e-300)


class CounterClockwise(Exercise):
    """Polygons that all run counter-clockwise and begin where they began."""

    name = "shapes.counter_clockwise"
    title = "One direction for all"
    symbol = "counter_clockwise"
    points = {Family.VALUE: 0.75, Family.GRADIENT: 0.25, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.25}
    diagnoses = {
        "all clockwise": lambda polygons: run_forwards(polygons).flip(-1).roll(1, -1),
        "reversed so that the last vertex comes first": lambda polygons: torch.where(
            area_of(polygons)[:, None, None] < 0, polygons.flip(-1), polygons
        ),
        "every polygon reversed": lambda polygons: polygons.flip(-1).roll(1, -1),
        "one decision for the whole batch": lambda polygons: (
            polygons.flip(-1).roll(1, -1) if area_of(polygons).sum() < 0 else polygons.clone()
        ),
    }

    def reference(self, polygons: Tensor) -> Tensor:
        return run_forwards(polygons)

    def oracle(self, polygons: Tensor) -> Tensor:
        found = polygons.clone()
        for number, vertices in enumerate(exact(polygons)):
            if trapezoids(vertices) < 0:
                order = [-vertex % len(vertices) for vertex in range(len(vertices))]
                found[number] = polygons[number][:, order]
        return found

    def cases(self) -> list[Case]:
        return [
            Case("a triangle by hand, corner 2 3", Family.VALUE, by_hand, public=True),
            Case("three polygons", Family.VALUE, drawn(3, 7), public=True),
            Case("one polygon", Family.VALUE, drawn(1, 9)),
            Case("four polygons", Family.VALUE, drawn(4, 11)),
            Case("five polygons", Family.VALUE, drawn(5, 10)),
            Case("polygons that cross themselves", Family.VALUE, drawn(3, 7, turns=2)),
            Case("gradient", Family.GRADIENT, drawn(3, 7)),
            Case("gradient, drawn again", Family.GRADIENT, drawn(4, 10)),
            Case("ten thousand from the origin", Family.STABILITY, drawn(6, 9, far=1e4), public=True),
            Case("ten thousand from the origin, drawn again", Family.STABILITY, drawn(7, 40, far=-1e4)),
            Case("float64", Family.DTYPE, drawn(3, 7), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, drawn(4, 9), dtype="float64"),
            Case("area exactly zero", Family.EDGE, balanced),
            Case("the first vertex again at the end", Family.EDGE, repeated(4, 7, -1)),
            Case("two vertices", Family.EDGE, drawn(3, 2)),
            Case("a single vertex", Family.EDGE, drawn(3, 1)),
            Case("no polygons", Family.EDGE, drawn(0, 7)),
            Case("every second element of a wider buffer", Family.EDGE, drawn(4, 8), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, drawn(4, 8), layout="transposed"),
        ]
