"""Which points lie inside a polygon, and how far they are from its outline."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

# the next notebook begins with it.
READY = "vislab.geometry.outlines.signed_distance"


def stars(draw: Draw, count: int, vertices: int, turns: int = 1) -> Tensor:
    """Outlines ``[count, 2, vertices]`` around places that are not the origin, run either way; with two turns they cross themselves."""
    step = torch.arange(vertices) + draw.uniform(-0.3, 0.3, count, vertices)
    angle = 2 * math.pi * turns * step / vertices + draw.uniform(0.0, 6.0, count, 1)
    angle[draw.whole(0, 2) :: 2] *= -1
    radius = draw.uniform(0.4 if turns > 1 else 0.5, 1.5, count, vertices)
    return torch.stack((radius * angle.cos(), radius * angle.sin()), dim=1) + draw.uniform(0.2, 0.6, count, 2, 1)


def combs(draw: Draw, count: int, teeth: int) -> Tensor:
    """Outlines whose edges run along the axes, ``[count, 2, 4 teeth]``: a bar with teeth of different heights."""
    shapes = torch.zeros(count, 2, 4 * teeth, dtype=torch.float64)
    for shape in shapes:
        x = -1.2 + 2.4 * (torch.arange(2 * teeth) + draw.uniform(0.2, 0.8, 2 * teeth)) / (2 * teeth)
        low, high, bottom = draw.uniform(-0.6, 0.0, teeth), draw.uniform(0.2, 1.2, teeth), draw.number(-1.3, -0.9)
        top = torch.stack((low, high, high, low), dim=1).flatten()
        # from tooth to tooth at the height of the left one's foot, and at the two ends down to the bottom.
        top[4::4] = top[3:-1:4]
        top[0] = top[-1] = bottom
        # from right to left, so that the outline runs counter-clockwise.
        shape[0], shape[1] = x.repeat_interleave(2).flip(0), top.flip(0)
    return shapes


def to_edges(points: Tensor, polygons: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distance of every point from every edge ``[B, P, N]``, and the way to it from its nearest point ``[B, P, N, 2]``."""
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, 2) - first
    away = points[:, None] - first
    squared = edge.square().sum(dim=-1)
    share = ((away * edge).sum(dim=-1) / torch.where(squared > 0, squared, 1.0)).clamp(0, 1)
    way = away - share[..., None] * edge
    return way.square().sum(dim=-1), way


def distance_of(points: Tensor, polygons: Tensor) -> Tensor:
    squared = to_edges(points, polygons)[0].amin(dim=2)
    # both branches of a where are differentiated, and the root has no slope at 0.
    return torch.where(squared > 0, torch.where(squared > 0, squared, 1.0).sqrt(), 0.0)


def windings(points: Tensor, polygons: Tensor) -> tuple[Tensor, Tensor]:
    """Winding number and number of crossings of every point, int64 ``[B, P]`` each."""
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, 2) - first
    away = points[:, None] - first
    left = edge[..., 0] * away[..., 1] - edge[..., 1] * away[..., 0]
    # an edge owns its lower end and not its upper one, so that a vertex on the ray is met once by a line that passes.
    below = first[..., 1] <= points[:, None, 1]
    up, down = below & ~below.roll(-1, 2) & (left > 0), ~below & below.roll(-1, 2) & (left < 0)
    return up.sum(dim=2) - down.sum(dim=2), up.sum(dim=2) + down.sum(dim=2)


def inside_by(points: Tensor, polygons: Tensor, rule: str) -> Tensor:
    winding, crossings = windings(points, polygons)
    return winding != 0 if rule == "nonzero" else crossings % 2 == 1


def turns_by_angles(point: list[float], vertices: list[tuple[float, float]]) -> int:
    """How often a polygon runs around a point, by the angles under which its edges are seen."""
    total = 0.0
    for (a, b), (c, d) in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        a, b, c, d = a - point[0], b - point[1], c - point[0], d - point[1]
        total += math.atan2(a * d - b * c, a * c + b * d)
    return round(total / (2 * math.pi))


def to_segment(point: list[float], a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance from one segment: by the height over it, or from one of its ends."""
    length = math.dist(a, b)
    along = (point[0] - a[0]) * (b[0] - a[0]) + (point[1] - a[1]) * (b[1] - a[1])
    if 0 < along < length**2:
        return abs((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])) / length
    return min(math.dist(point, a), math.dist(point, b))


def as_vertices(polygons: Tensor) -> list[list[tuple[float, float]]]:
    return [list(zip(*polygon, strict=True)) for polygon in polygons.tolist()]


def chosen(candidates: Tensor, polygons: Tensor, count: int, margin: float, settled: bool = False) -> Tensor:
    """The first points that keep clear of every outline and, where they must be settled, of places with two nearest points."""
    if not len(polygons):
        return candidates[:count]
    squared, way = to_edges(candidates, polygons)
    distance = squared.sqrt()
    nearest = distance.amin(dim=2, keepdim=True)
    good = nearest[..., 0] > margin
    if settled:
        best = way.gather(2, distance.argmin(dim=2)[..., None, None].expand(-1, -1, 1, 2))
        other = (way - best).norm(dim=-1) > 1e-9
        good &= ~(other & (distance < nearest + margin)).any(dim=2)
    return candidates[good.all(dim=0)][:count]


def scattered(draw: Draw, polygons: Tensor, count: int, settled: bool = False) -> Tensor:
    """Points ``[count, 2]`` in and around the polygons, half of them near the middle."""
    for _ in range(100):
        candidates = torch.cat((draw.uniform(-1.2, 2.0, 400, 2), draw.uniform(0.0, 0.8, 400, 2)))[draw.generator.permutation(800)]
        points = chosen(candidates, polygons, count, 0.03, settled)
        if len(points) == count:
            return points
    raise RuntimeError(f"no {count} points keep clear of {len(polygons)} polygons; ask for fewer points or polygons")


def level_with(draw: Draw, polygons: Tensor, count: int) -> Tensor:
    """Points at exactly the height of a vertex, but clear of every outline."""
    heights = polygons[:, 1].flatten()
    pick = heights[torch.from_numpy(draw.generator.integers(0, len(heights), 900))]
    return chosen(torch.stack((draw.uniform(-2.0, 2.0, 900), pick), dim=1), polygons, count, 0.03)


def twice(shapes: Tensor, places: tuple[int, ...]) -> Tensor:
    """The polygons with some vertices standing twice, the one at -1 as the first one again at the end."""
    order = sorted([*range(shapes.shape[2]), *(place for place in places if place >= 0)]) + [0] * (-1 in places)
    return shapes[:, :, order]


def telling(points: Tensor, polygons: Tensor, turns: int) -> bool:
    """Whether each polygon has two points inside and two outside, no two polygons the same ones, and the rules differ if they can."""
    winding, crossings = windings(points, polygons)
    inside = crossings % 2 == 1
    count = inside.sum(dim=1)
    mixed = bool(((count >= 2) & (count <= len(points) - 2)).all()) and len(inside.unique(dim=0)) == len(inside)
    return mixed and (turns == 1 or bool((inside != (winding != 0)).any()))


def drawn(rule: str | None, batch: int, vertices: int, count: int = 13, turns: int = 1, far: float = 0.0, size: float = 1.0, **more):
    """Case material: points and polygons; ``twice`` names vertices that are repeated, ``settled`` asks for points that gradients like."""

    def material(draw: Draw) -> Inputs:
        for _ in range(2000):
            shapes = twice(stars(draw, batch, vertices, turns), more.get("twice", ()))
            points = scattered(draw, shapes, count, more.get("settled", False)) if count else torch.zeros(0, 2, dtype=torch.float64)
            if not (batch and count and vertices > 2) or telling(points, shapes, turns):
                break
        else:
            raise RuntimeError(f"no {count} points tell {batch} polygons apart; ask for more points or fewer polygons")
        return Inputs((far + size * points, far + size * shapes), {"rule": rule} if rule else {})

    return material


def level(rule: str | None, batch: int, teeth: int | None, vertices: int = 9, turns: int = 1):
    """Case material: points at the height of vertices, of combs with a number of teeth or of stars."""

    def material(draw: Draw) -> Inputs:
        shapes = combs(draw, batch, teeth) if teeth else stars(draw, batch, vertices, turns)
        return Inputs((level_with(draw, shapes, 17), shapes), {"rule": rule} if rule else {})

    return material


def on_vertices(repeat: bool):
    """Case material: every third point is a vertex of the one polygon."""

    def material(draw: Draw) -> Inputs:
        shape = stars(draw, 1, 7)
        points = scattered(draw, shape, 6, settled=True)
        shape = twice(shape, (2,) if repeat else ())
        for row, vertex in ((1, 1), (4, 5)):
            points[row] = shape[0, :, vertex]
        return Inputs((points, shape))

    return material


def by_hand(draw: Draw) -> Inputs:
    """Case material: a rectangle of 4 by 2 with its corner at (2, 3), and points inside, beside and beyond a corner."""
    box = torch.tensor([[[2.0, 6.0, 6.0, 2.0], [3.0, 3.0, 5.0, 5.0]]], dtype=torch.float64)
    return Inputs((torch.tensor([[3.5, 4.25], [7.5, 3.5], [9.0, 9.0], [2.5, 2.25]], dtype=torch.float64), box))


def pentagrams(rule: str, clockwise: bool = False):
    """Case material: five-pointed stars drawn without lifting the pen; five of the points lie in the pentagon in the middle."""

    def material(draw: Draw) -> Inputs:
        angle = 4 * math.pi * torch.arange(5) / 5 + draw.uniform(0.0, 6.0, 3, 1)
        middle = draw.uniform(0.2, 0.6, 2, 1)
        shapes = torch.stack((angle.cos(), -angle.sin() if clockwise else angle.sin()), dim=1) + middle
        points = torch.cat((middle.T + draw.uniform(-0.2, 0.2, 5, 2), scattered(draw, shapes, 7)))
        return Inputs((points, shapes), {"rule": rule})

    return material


class Inside(Exercise):
    """Which points lie inside, by one of two rules."""

    name = "shapes.inside"
    title = "Inside or outside"
    symbol = "inside"
    points = {Family.VALUE: 2.25, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 1.0}
    # what contains_points of Matplotlib's paths rests on (the setup cell has it for the next exercise), and the distance, whose sign tells.
    tripwires = ("matplotlib._path.points_in_path", "matplotlib._path.point_in_path", READY)
    diagnoses = {
        "the other rule": lambda points, polygons, rule: inside_by(points, polygons, "nonzero" if rule == "even_odd" else "even_odd"),
        "inside and outside exchanged": lambda points, polygons, rule: ~inside_by(points, polygons, rule),
        "x and y exchanged in the points": lambda points, polygons, rule: inside_by(points.flip(-1), polygons, rule),
    }

    def reference(self, points: Tensor, polygons: Tensor, rule: str) -> Tensor:
        return inside_by(points, polygons, rule)

    def oracle(self, points: Tensor, polygons: Tensor, rule: str) -> Tensor:
        table = [[turns_by_angles(point, vertices) for point in points.tolist()] for vertices in as_vertices(polygons)]
        turns = torch.tensor(table, dtype=torch.int64).reshape(len(polygons), len(points))
        # each crossing of a ray changes the number of turns by one.
        return turns != 0 if rule == "nonzero" else turns % 2 == 1

    def cases(self) -> list[Case]:
        return [
            Case("three polygons, even-odd", Family.VALUE, drawn("even_odd", 3, 7), public=True),
            Case("pentagrams, even-odd", Family.VALUE, pentagrams("even_odd"), public=True),
            Case("pentagrams, non-zero", Family.VALUE, pentagrams("nonzero"), public=True),
            # outlines that cross themselves, or either rule would do; one even-odd case fewer, as libraries have that rule ready.
            Case("one polygon, non-zero", Family.VALUE, drawn("nonzero", 1, 9, turns=2)),
            Case("pentagrams, drawn again, even-odd", Family.VALUE, pentagrams("even_odd", clockwise=True)),
            Case("pentagrams, drawn again, non-zero", Family.VALUE, pentagrams("nonzero", clockwise=True)),
            Case("four polygons, non-zero", Family.VALUE, drawn("nonzero", 4, 9, count=25, turns=2)),
            Case("crossing themselves, even-odd", Family.VALUE, drawn("even_odd", 3, 7, turns=2)),
            Case("crossing themselves, non-zero", Family.VALUE, drawn("nonzero", 3, 7, turns=2)),
            Case("four times around, even-odd", Family.VALUE, drawn("even_odd", 3, 13, turns=4)),
            Case("four times around, non-zero", Family.VALUE, drawn("nonzero", 3, 13, turns=4)),
            Case("ten thousand from the origin, even-odd", Family.STABILITY, drawn("even_odd", 3, 7, turns=2, far=1e4)),
            Case("ten thousand from the origin, non-zero", Family.STABILITY, drawn("nonzero", 3, 9, count=25, turns=2, far=-1e4)),
            Case("polygons of a millionth", Family.STABILITY, drawn("even_odd", 3, 7, turns=2, size=1e-6)),
            Case("polygons of a millionth, non-zero", Family.STABILITY, drawn("nonzero", 3, 9, count=25, turns=2, size=1e-6)),
            Case("float64", Family.DTYPE, drawn("even_odd", 3, 7, turns=2), dtype="float64"),
            Case("float64, non-zero", Family.DTYPE, drawn("nonzero", 3, 9, count=25, turns=2), dtype="float64"),
            Case("points level with vertices, even-odd", Family.EDGE, level("even_odd", 1, None), public=True),
            Case("points level with vertices, non-zero", Family.EDGE, level("nonzero", 1, None, 11)),
            Case("crossing itself, points level with vertices", Family.EDGE, level("nonzero", 1, None, 7, turns=2)),
            Case("crossing itself, points level with vertices, even-odd", Family.EDGE, level("even_odd", 1, None, 7, turns=2)),
            Case("points level with horizontal edges, even-odd", Family.EDGE, level("even_odd", 1, 4)),
            Case("points level with horizontal edges, non-zero", Family.EDGE, level("nonzero", 1, 5)),
            Case("vertices that stand twice", Family.EDGE, drawn("even_odd", 3, 7, turns=2, twice=(0, 3, -1))),
            Case("vertices that stand twice, non-zero", Family.EDGE, drawn("nonzero", 3, 7, turns=2, twice=(0, 3, -1))),
            Case("two vertices", Family.EDGE, drawn("even_odd", 3, 2)),
            Case("a single vertex", Family.EDGE, drawn("nonzero", 3, 1)),
            Case("no polygons", Family.EDGE, drawn("even_odd", 0, 7)),
            Case("no points", Family.EDGE, drawn("nonzero", 3, 7, count=0)),
            Case("every second element of a wider buffer", Family.EDGE, drawn("even_odd", 3, 7, turns=2), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, drawn("nonzero", 3, 9, count=25, turns=2), layout="transposed"),
        ]


class SignedDistance(Exercise):
    """Distance from the outline, negative inside by the even-odd rule."""

    name = "shapes.signed_distance"
    title = "Signed distance"
    symbol = "signed_distance"
    points = {
        Family.VALUE: 1.75,
        Family.GRADIENT: 1.0,
        Family.STABILITY: 1.0,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.75,
        Family.PURITY: 0.25,
    }
    tripwires = (READY,)
    diagnoses = {
        "a distance without its sign": lambda points, polygons: distance_of(points, polygons),
        "positive inside": lambda points, polygons: -signed(points, polygons),
        "the distance from the nearest vertex": lambda points, polygons: _to_vertices(points, polygons),
        "the distance from endless lines instead of edges": lambda points, polygons: _to_lines(points, polygons),
        "squared distances": lambda points, polygons: signed(points, polygons) * signed(points, polygons).abs(),
        "the sign of the non-zero rule": lambda points, polygons: torch.where(
            inside_by(points, polygons, "nonzero"), -distance_of(points, polygons), distance_of(points, polygons)
        ),
    }

    def reference(self, points: Tensor, polygons: Tensor) -> Tensor:
        return signed(points, polygons)

    def oracle(self, points: Tensor, polygons: Tensor) -> Tensor:
        table = []
        for vertices in as_vertices(polygons):
            edges = list(zip(vertices, vertices[1:] + vertices[:1], strict=True))
            for point in points.tolist():
                distance = min(to_segment(point, a, b) for a, b in edges)
                table.append(-distance if turns_by_angles(point, vertices) % 2 else distance)
        return torch.tensor(table, dtype=torch.float64).reshape(len(polygons), len(points))

    def cases(self) -> list[Case]:
        return [
            Case("a rectangle by hand, corner 2 3", Family.VALUE, by_hand, public=True),
            Case("three polygons", Family.VALUE, drawn(None, 3, 7), public=True),
            # outlines that cross themselves, or the non-zero rule would do; points enough for the nearest edge to be any.
            Case("one polygon", Family.VALUE, drawn(None, 1, 9, count=41, turns=2)),
            Case("four polygons", Family.VALUE, drawn(None, 4, 11, count=25, turns=2)),
            Case("polygons that cross themselves", Family.VALUE, drawn(None, 3, 7, count=25, turns=2)),
            Case("polygons that cross themselves, drawn again", Family.VALUE, drawn(None, 4, 9, count=25, turns=2)),
            Case("four times around", Family.VALUE, drawn(None, 3, 13, count=25, turns=4)),
            Case("gradient", Family.GRADIENT, drawn(None, 3, 7, count=8, settled=True), public=True),
            Case("gradient, drawn again", Family.GRADIENT, drawn(None, 1, 9, turns=2, settled=True)),
            Case("gradient, polygons that cross themselves", Family.GRADIENT, drawn(None, 1, 7, turns=2, settled=True)),
            Case(
                "gradient, vertices that stand twice",
                Family.STABILITY,
                drawn(None, 3, 7, count=8, settled=True, twice=(3, -1)),
                gradient=True,
                public=True,
            ),
            # a point that is moved off the outline by one rounding unit has a gradient of length one, so nothing can be derived; the other
            # points of the case are known to a few units of the sixth digit.
            Case("gradient, points on vertices", Family.STABILITY, on_vertices(False), gradient=True, wrt=(0,), atol=1e-4),
            Case("gradient, points on vertices, one stands twice", Family.STABILITY, on_vertices(True), gradient=True, wrt=(0,), atol=1e-4),
            Case("ten thousand from the origin", Family.STABILITY, drawn(None, 3, 8, far=1e4)),
            Case("polygons of a millionth", Family.STABILITY, drawn(None, 3, 8, size=1e-6)),
            Case(
                "gradient, polygons of a millionth",
                Family.STABILITY,
                drawn(None, 3, 7, count=8, size=1e-6, settled=True),
                gradient=True,
            ),
            Case("float64", Family.DTYPE, drawn(None, 3, 7, count=25, turns=2), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, drawn(None, 1, 11, count=41, turns=2), dtype="float64"),
            Case("points level with vertices", Family.EDGE, level(None, 1, None)),
            Case("points level with horizontal edges", Family.EDGE, level(None, 1, 4)),
            Case("vertices that stand twice", Family.EDGE, drawn(None, 3, 7, twice=(0, 3, -1))),
            Case("two vertices", Family.EDGE, drawn(None, 3, 2)),
            Case("a single vertex", Family.EDGE, drawn(None, 3, 1), public=True),
            Case("no polygons", Family.EDGE, drawn(None, 0, 7)),
            Case("no points", Family.EDGE, drawn(None, 3, 7, count=0)),
            Case("every second element of a wider buffer", Family.EDGE, drawn(None, 3, 8), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, drawn(None, 3, 8), layout="transposed"),
        ]


def signed(points: Tensor, polygons: Tensor) -> Tensor:
    distance = distance_of(points, polygons)
    return torch.where(inside_by(points, polygons, "even_odd"), -distance, distance)


def _to_vertices(points: Tensor, polygons: Tensor) -> Tensor:
    distance = (points[:, None] - polygons.transpose(1, 2)[:, None]).norm(dim=-1).amin(dim=2)
    return torch.where(inside_by(points, polygons, "even_odd"), -distance, distance)


def _to_lines(points: Tensor, polygons: Tensor) -> Tensor:
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, 2) - first
    away = points[:, None] - first
    height = (edge[..., 0] * away[..., 1] - edge[..., 1] * away[..., 0]).abs() / edge.norm(dim=-1).clamp(min=1e-300)
    distance = height.amin(dim=2)
    return torch.where(inside_by(points, polygons, "even_odd"), -distance, distance)
