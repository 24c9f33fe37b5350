"""Extension: between two codes along the sphere, and how often an outline crosses itself."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

# a cosine closer to 1 than this has no angle in float32.
NEARLY = 1 - 1e-5


def two_codes(batch: int, codes: int, t: float, kind: str = "generic"):
    """Case material: two batches of codes and a place between them."""

    def material(draw: Draw):
        first = draw.normal(batch, codes) + 0.2
        second = {"generic": draw.normal(batch, codes, std=1.4), "parallel": 2 * first, "antipodal": -2 * first, "zero": 0 * first}[kind]
        return first, second, t

    return material


def along_the_arc(first: Tensor, second: Tensor, t: float) -> Tensor:
    """Row by row, by Gram-Schmidt-free trigonometry."""
    rows = []
    for one, two in zip(first, second):
        length = float((one.norm() * two.norm()).detach())
        cosine = float((one @ two).detach()) / length if length else 1.0
        if abs(cosine) > NEARLY:
            rows.append((1 - t) * one + t * two)
            continue
        angle = torch.acos(one @ two / (one.norm() * two.norm()))
        rows.append((torch.sin((1 - t) * angle) * one + torch.sin(t * angle) * two) / torch.sin(angle))
    return torch.stack(rows) if rows else first + second


class Slerp(Exercise):
    """Spherical interpolation with a rule where there is no arc. Bonus."""

    name = "shapes.slerp"
    title = "Spherical interpolation (extension)"
    symbol = "slerp"
    points = {Family.VALUE: 1.2, Family.GRADIENT: 0.5, Family.STABILITY: 0.7, Family.DTYPE: 0.1, Family.EDGE: 0.25, Family.PURITY: 0.25}
    bonus = True
    diagnoses = {
        "the straight line": lambda first, second, t: (1 - t) * first + t * second,
        "from the second to the first": lambda first, second, t: along_the_arc(first, second, 1 - t),
    }

    def reference(self, first: Tensor, second: Tensor, t: float) -> Tensor:
        return along_the_arc(first, second, t)

    def oracle(self, first: Tensor, second: Tensor, t: float) -> Tensor:
        # by a rotation in the plane of both: the direction turns by t times the angle, and coordinates in the plane are solved for.
        rows = []
        for one, two in zip(first, second):
            cosine = torch.nn.functional.cosine_similarity(one, two, dim=0, eps=1e-30)
            if not bool(two.any()) or abs(float(cosine)) > NEARLY:
                rows.append(one + t * (two - one))
                continue
            across = two / two.norm() - cosine * one / one.norm()
            across = across / across.norm()
            angle = torch.atan2(two @ across, two @ one / one.norm())
            basis = torch.stack((one / one.norm(), across))
            ends = torch.stack((one, two)) @ basis.T  # both ends in the plane
            unit = torch.stack((torch.cos(t * angle), torch.sin(t * angle)))
            # unit = a e1 + b (cos, sin): the weights of the two unit ends.
            frame = torch.stack((torch.tensor([1.0, 0.0]).double(), torch.stack((torch.cos(angle), torch.sin(angle)))), dim=1)
            rows.append((torch.linalg.solve(frame, unit) @ ends) @ basis)
        return torch.stack(rows) if rows else first.clone()

    def cases(self) -> list[Case]:
        return [
            Case("a third of the way", Family.VALUE, two_codes(3, 5, 0.35), public=True),
            Case("one pair", Family.VALUE, two_codes(1, 4, 0.7), public=True),
            Case("near the first", Family.VALUE, two_codes(4, 6, 0.15)),
            Case("near the second", Family.VALUE, two_codes(3, 9, 0.8)),
            Case("gradient", Family.GRADIENT, two_codes(3, 5, 0.35), public=True),
            Case("gradient, drawn again", Family.GRADIENT, two_codes(4, 7, 0.6)),
            Case("parallel", Family.STABILITY, two_codes(3, 5, 0.3, "parallel"), public=True),
            Case("parallel, gradient", Family.STABILITY, two_codes(9, 5, 0.4, "parallel"), gradient=True),
            Case("antipodal", Family.STABILITY, two_codes(3, 5, 0.3, "antipodal"), public=True),
            Case("antipodal, gradient", Family.STABILITY, two_codes(9, 4, 0.6, "antipodal"), gradient=True),
            Case("antipodal, gradient, drawn again", Family.STABILITY, two_codes(11, 7, 0.2, "antipodal"), gradient=True),
            Case("to the zero code", Family.STABILITY, two_codes(3, 5, 0.3, "zero")),
            Case("float64", Family.DTYPE, two_codes(3, 5, 0.45), dtype="float64"),
            Case("the first end", Family.EDGE, two_codes(3, 5, 0.0)),
            Case("the second end", Family.EDGE, two_codes(3, 5, 1.0)),
            Case("no pairs", Family.EDGE, two_codes(0, 5, 0.3)),
            Case("every second element of a wider buffer", Family.EDGE, two_codes(3, 5, 0.3), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, two_codes(3, 5, 0.3), layout="transposed"),
        ]


def tangled(batch: int, vertices: int, mixed: bool = True, doubled: bool = False):
    """Case material: star-shaped outlines, with vertices exchanged so that they cross themselves; ``doubled`` repeats a vertex."""

    def material(draw: Draw):
        around = torch.arange(vertices) * 2 * torch.pi / max(vertices, 1) + draw.uniform(0.0, 0.3, batch, vertices)
        radius = draw.uniform(0.5, 1.4, batch, vertices)
        points = torch.stack((radius * around.cos() + 0.6, radius * around.sin() - 0.4), dim=1)
        if mixed:
            order = draw.uniform(0.0, 1.0, batch, vertices).argsort(dim=1)
            points = points.gather(2, order[:, None].expand_as(points))
        if doubled:
            points[:, :, -1] = points[:, :, 0]
            points[:, :, 3] = points[:, :, 2]
        return (points,)

    return material


class CountCrossings(Exercise):
    """Pairs of edges of an outline that cross. Bonus."""

    name = "shapes.count_crossings"
    title = "Self-intersections (extension)"
    symbol = "count_crossings"
    points = {Family.VALUE: 1.75, Family.DTYPE: 0.25, Family.EDGE: 0.75, Family.PURITY: 0.25}
    bonus = True

    def reference(self, polygons: Tensor) -> Tensor:
        def side(a: Tensor, b: Tensor, c: Tensor) -> float:
            return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

        counts = []
        for polygon in polygons:
            vertices, found = polygon.T, 0
            for i in range(len(vertices)):
                for j in range(i + 1, len(vertices)):
                    a, b = vertices[i], vertices[(i + 1) % len(vertices)]
                    c, d = vertices[j], vertices[(j + 1) % len(vertices)]
                    found += side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
            counts.append(found)
        return torch.tensor(counts, dtype=torch.int64)

    def oracle(self, polygons: Tensor) -> Tensor:
        # solve for where the two lines meet, as shares of both edges.
        counts = torch.zeros(len(polygons), dtype=torch.int64)
        for number, polygon in enumerate(polygons):
            start, step = polygon.T, (polygon.roll(-1, dims=1) - polygon).T
            for i in range(len(start)):
                for j in range(i + 1, len(start)):
                    if j == i + 1 or (i == 0 and j == len(start) - 1):
                        continue
                    matrix = torch.stack((step[i], -step[j]), dim=1)
                    if abs(float(torch.linalg.det(matrix))) < 1e-14:
                        continue
                    share = torch.linalg.solve(matrix, start[j] - start[i])
                    counts[number] += int(bool(((share > 1e-9) & (share < 1 - 1e-9)).all()))
        return counts

    def cases(self) -> list[Case]:
        return [
            Case("three outlines", Family.VALUE, tangled(3, 9), public=True),
            Case("one outline", Family.VALUE, tangled(1, 11), public=True),
            Case("outlines that do not cross themselves", Family.VALUE, tangled(3, 10, mixed=False), public=True),
            Case("five outlines, drawn again", Family.VALUE, tangled(5, 8)),
            Case("three outlines, drawn again", Family.VALUE, tangled(3, 13)),
            Case("four outlines, drawn again", Family.VALUE, tangled(4, 12)),
            Case("float64", Family.DTYPE, tangled(3, 9), dtype="float64"),
            Case("repeated vertices", Family.EDGE, tangled(3, 9, doubled=True), public=True),
            Case("four vertices", Family.EDGE, tangled(7, 4)),
            Case("triangles", Family.EDGE, tangled(3, 3)),
            Case("a single vertex", Family.EDGE, tangled(3, 1, mixed=False)),
            Case("no outlines", Family.EDGE, tangled(0, 9)),
            Case("every second element of a wider buffer", Family.EDGE, tangled(3, 9), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, tangled(3, 9), layout="transposed"),
        ]
