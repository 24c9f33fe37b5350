"""Points at equal steps along an outline."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def lines(draw: Draw, count: int, vertices: int) -> Tensor:
    """Star-shaped outlines ``[count, 2, vertices]`` with random radii, away from the origin."""
    step = torch.arange(vertices) + draw.uniform(-0.4, 0.4, count, vertices)
    angle = 2 * math.pi * step / vertices + draw.uniform(0.0, 6.0, count, 1)
    radius = draw.uniform(0.5, 1.5, count, vertices)
    return torch.stack((radius * angle.cos(), radius * angle.sin()), dim=1) + draw.uniform(0.2, 0.6, count, 2, 1)


def measured(polygons: Tensor, closed: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Corners ``[B, 2, E + 1]``, lengths of the edges ``[B, E]`` and arc length at the corners ``[B, E + 1]``."""
    corners = torch.cat((polygons, polygons[..., :1]), dim=2) if closed else polygons
    # the norm of torch.linalg has the gradient 0 where it is 0.
    lengths = torch.linalg.vector_norm(corners.diff(dim=2), dim=1)
    return corners, lengths, torch.cat((torch.zeros_like(lengths[:, :1]), lengths.cumsum(dim=1)), dim=1)


def places_of(total: Tensor, count: int, closed: bool) -> Tensor:
    """Arc length of the points, ``[B, count]``."""
    parts = count if closed else max(count - 1, 1)
    return total[:, None] * torch.arange(count, dtype=total.dtype) / parts


def points_at(polygons: Tensor, places: Tensor, closed: bool) -> Tensor:
    """Points ``[B, 2, M]`` at given arc lengths ``[B, M]``."""
    corners, lengths, reach = measured(polygons, closed)
    if lengths.shape[1] == 0:
        # an open line of one vertex has no edge.
        return polygons.expand(-1, -1, places.shape[1]).clone()
    # the last edge that begins at the place or before it; edges of length 0 in front of it are passed over.
    edge = ((reach[:, None, :-1] <= places[..., None]).sum(dim=2) - 1).clamp(min=0)
    length = lengths.gather(1, edge)
    some = length > 0
    share = torch.where(some, (places - reach.gather(1, edge)) / torch.where(some, length, 1.0), 0.0).clamp(0, 1)
    wide = edge[:, None].expand(-1, 2, -1)
    return torch.lerp(corners.gather(2, wide), corners.gather(2, wide + 1), share[:, None])


def along(polygons: Tensor, count: int, closed: bool = True) -> Tensor:
    _, lengths, reach = measured(polygons, closed)
    # an open line of one vertex has no length either.
    total = reach[:, -1] if lengths.shape[1] else torch.zeros_like(polygons[:, 0, 0])
    return points_at(polygons, places_of(total, count, closed), closed)


def by_index(polygons: Tensor, count: int, closed: bool = True) -> Tensor:
    """Equal steps in the number of the vertex instead of the way."""
    ends = torch.cat((polygons, polygons[..., :1]), dim=2) if closed else polygons
    place = torch.arange(count, dtype=polygons.dtype) * (ends.shape[2] - 1) / (count if closed else max(count - 1, 1))
    low = place.floor().long().clamp(max=max(ends.shape[2] - 2, 0))
    high = (low + 1).clamp(max=ends.shape[2] - 1)
    return torch.lerp(ends[..., low], ends[..., high], place - low)


def half_a_step(polygons: Tensor, count: int, closed: bool = True) -> Tensor:
    return along(polygons, 2 * count, closed)[..., 1::2]


def one_too_many(polygons: Tensor, count: int, closed: bool = True) -> Tensor:
    """Of a closed outline, the last point falls on the first again."""
    ends = torch.cat((polygons, polygons[..., :1]), dim=2) if closed else polygons
    return along(ends, count, False)


def drawn(batch: int, vertices: int, count: int, closed: bool = True, size: float = 1.0):
    """Case material: some lines, and how many points to take."""
    return lambda draw: Inputs((size * lines(draw, batch, vertices),), {"count": count, "closed": closed})


def clear(batch: int, vertices: int, count: int, closed: bool = True, double: int | None = None, size: float = 1.0):
    """Case material for gradients: no point lies on a vertex or next to one, but for the two ends.

    Args:
        double: the vertex of this number stands twice; -1: the first vertex stands again at the end.
    """

    def material(draw: Draw) -> Inputs:
        # the gradient jumps where a point passes a vertex.
        while True:
            shapes = lines(draw, batch, vertices)
            if double is not None:
                shapes = shapes[:, :, [*range(vertices), 0] if double < 0 else [*range(double + 1), *range(double, vertices)]]
            _, _, reach = measured(shapes, closed)
            places = places_of(reach[:, -1], count, closed)
            inner = places[:, 1:] if closed else places[:, 1:-1]
            if not inner.numel() or float((inner[..., None] - reach[:, None]).abs().min()) > 1e-3:
                return Inputs((size * shapes,), {"count": count, "closed": closed})

    return material


def repeated(batch: int, vertices: int, count: int, closed: bool, places: tuple[int, ...]):
    """Case material: some vertices stand twice, the one at -1 as the first one again at the end."""

    def material(draw: Draw) -> Inputs:
        order = sorted([*range(vertices), *(place for place in places if place >= 0)]) + [0] * (-1 in places)
        return Inputs((lines(draw, batch, vertices)[:, :, order],), {"count": count, "closed": closed})

    return material


def regular(vertices: int):
    """Case material: regular polygons, and as many points as they have vertices, which are the vertices again."""

    def material(draw: Draw) -> Inputs:
        angle = 2 * math.pi * torch.arange(vertices) / vertices + draw.uniform(0.1, 1.0, 3, 1)
        shapes = torch.stack((angle.cos(), angle.sin()), dim=1) * draw.uniform(0.5, 2.0, 3, 1, 1) + draw.uniform(0.2, 0.6, 3, 2, 1)
        return Inputs((shapes,), {"count": vertices, "closed": True})

    return material


def in_one_place(draw: Draw) -> Inputs:
    """Case material: all vertices of one outline lie in one place."""
    shapes = lines(draw, 3, 5)
    shapes[1] = draw.uniform(0.2, 0.9, 2, 1)
    return Inputs((shapes,), {"count": 4, "closed": True})


def by_hand(draw: Draw) -> Inputs:
    """Case material: a rectangle of 3 by 1, ten points, so that a step is 0.8."""
    return Inputs((torch.tensor([[[2.0, 5.0, 5.0, 2.0], [3.0, 3.0, 4.0, 4.0]]], dtype=torch.float64),), {"count": 10, "closed": True})


class Resample(Exercise):
    """An outline by a given number of points with equal way between them."""

    name = "shapes.resample"
    title = "Equal steps along an outline"
    symbol = "resample"
    points = {
        Family.VALUE: 2.0,
        Family.GRADIENT: 1.0,
        Family.STABILITY: 1.25,
        Family.DTYPE: 0.5,
        Family.EDGE: 1.0,
        Family.PURITY: 0.25,
    }
    diagnoses = {
        "equal steps in the number of the vertex instead of the way": by_index,
        "the last vertex never joined to the first": lambda polygons, count, closed=True: along(polygons, count, False),
        "always closed": lambda polygons, count, closed=True: along(polygons, count, True),
        "the last point on the first again": one_too_many,
        "half a step too far": half_a_step,
        "run backwards": lambda polygons, count, closed=True: along(polygons.flip(-1), count, closed),
    }

    def reference(self, polygons: Tensor, count: int, closed: bool = True) -> Tensor:
        return along(polygons, count, closed)

    def oracle(self, polygons: Tensor, count: int, closed: bool) -> Tensor:
        found = np.zeros((len(polygons), 2, count))
        for number, (x, y) in enumerate(polygons.numpy()):
            x, y = (np.append(row, row[:1]) if closed else row for row in (x, y))
            reach = np.append(0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y))))
            places = [reach[-1] * k / (count if closed else max(count - 1, 1)) for k in range(count)]
            found[number] = np.interp(places, reach, x), np.interp(places, reach, y)
        return torch.from_numpy(found)

    def cases(self) -> list[Case]:
        return [
            Case("a rectangle of 3 by 1 by hand", Family.VALUE, by_hand, public=True),
            Case("three closed outlines", Family.VALUE, drawn(3, 7, 11), public=True),
            Case("three open lines", Family.VALUE, drawn(3, 7, 11, False), public=True),
            Case("one closed outline", Family.VALUE, drawn(1, 9, 20)),
            Case("one open line", Family.VALUE, drawn(1, 9, 20, False)),
            Case("fewer points than vertices", Family.VALUE, drawn(4, 13, 5)),
            Case("fewer points than vertices, open", Family.VALUE, drawn(4, 13, 5, False)),
            Case("as many points as vertices, open", Family.VALUE, drawn(3, 10, 10, False)),
            Case("gradient", Family.GRADIENT, clear(3, 7, 11), public=True),
            Case("gradient, open", Family.GRADIENT, clear(3, 8, 11, False)),
            Case("gradient, drawn again, open", Family.GRADIENT, clear(4, 11, 6, False)),
            Case("gradient, the first vertex again at the end", Family.STABILITY, clear(3, 7, 11, double=-1), gradient=True, public=True),
            Case("gradient, a vertex that stands twice", Family.STABILITY, clear(3, 8, 9, double=3), gradient=True),
            Case("gradient, a vertex that stands twice, open", Family.STABILITY, clear(4, 7, 10, False, double=2), gradient=True),
            Case("outlines of a millionth", Family.STABILITY, drawn(3, 8, 13, size=1e-6)),
            Case("gradient, outlines of a millionth", Family.STABILITY, clear(3, 9, 10, size=1e-6), gradient=True),
            Case("float64", Family.DTYPE, drawn(3, 7, 11), dtype="float64"),
            Case("float64, open", Family.DTYPE, drawn(3, 8, 12, False), dtype="float64"),
            Case("a regular polygon is left alone", Family.EDGE, regular(7)),
            Case("a regular polygon of 96 is left alone", Family.EDGE, regular(96)),
            Case("vertices that stand twice", Family.EDGE, repeated(3, 7, 12, True, (0, 3, -1))),
            Case("vertices that stand twice, open", Family.EDGE, repeated(3, 7, 12, False, (0, 2, 6))),
            Case("all vertices in one place", Family.EDGE, in_one_place),
            Case("a single vertex", Family.EDGE, drawn(3, 1, 4)),
            Case("a single vertex, open", Family.EDGE, drawn(3, 1, 4, False)),
            Case("two vertices, there and back", Family.EDGE, drawn(3, 2, 7)),
            Case("one point", Family.EDGE, drawn(3, 6, 1)),
            Case("one point, open", Family.EDGE, drawn(3, 6, 1, False)),
            Case("no outlines", Family.EDGE, drawn(0, 7, 5)),
            Case("no outlines, open", Family.EDGE, drawn(0, 6, 8, False)),
            Case("every second element of a wider buffer", Family.EDGE, drawn(3, 8, 9), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, drawn(3, 8, 9), layout="transposed"),
        ]
