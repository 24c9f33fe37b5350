"""How much of every pixel a polygon covers, softly: the differentiable rasteriser."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def blobs(draw: Draw, count: int, points: int, away: float = 0.3) -> Tensor:
    """Random simple polygons ``[count, 2, points]``: star-shaped, counter-clockwise, of very different radii, not centred."""
    turn = torch.arange(points, dtype=torch.float64) + draw.uniform(-0.2, 0.2, count, points) + draw.uniform(0.0, 1.0, count, 1)
    radius = draw.uniform(0.45, 1.15, count, points)
    angle = turn * (2 * math.pi / points)
    centre = draw.uniform(0.5 * away, away, count, 2, 1) * torch.where(draw.mask(0.5, count, 2, 1), 1.0, -1.0)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1) + centre


def centres(height: int, width: int, extent: float, dtype: torch.dtype = torch.float64) -> Tensor:
    """Pixel centres ``[height * width, 2]``, x then y, y up, row by row from the top."""
    x = (2 * torch.arange(width, dtype=dtype) + 1 - width) * (extent / width)
    y = (height - 1 - 2 * torch.arange(height, dtype=dtype)) * (extent / height)
    return torch.stack([x.repeat(height), y.repeat_interleave(width)], dim=1)


def border_distance(at: Tensor, polygons: Tensor) -> Tensor:
    """Distance of points ``[P, 2]`` from the nearest edge of polygons ``[B, 2, N]``, never negative: ``[B, P]``."""
    nearest = torch.full((len(polygons), len(at)), torch.inf, dtype=polygons.dtype)
    for n in range(polygons.shape[2]):
        first, last = polygons[:, None, :, n - 1], polygons[:, None, :, n]
        edge, way = last - first, at - first
        squared = (edge**2).sum(dim=2)
        share = ((way * edge).sum(dim=2) / torch.where(squared == 0, 1.0, squared)).clamp(0, 1)
        rest = ((way - share[:, :, None] * edge) ** 2).sum(dim=2)
        nearest = torch.minimum(nearest, torch.where(rest == 0, 0.0, torch.where(rest == 0, 1.0, rest).sqrt()))
    return nearest


def inside(at: Tensor, polygons: Tensor) -> Tensor:
    """Whether points ``[P, 2]`` lie inside polygons, by the even-odd rule: ``[B, P]``."""
    odd = torch.zeros(len(polygons), len(at), dtype=torch.bool)
    for n in range(polygons.shape[2]):
        first, last = polygons[:, None, :, n - 1], polygons[:, None, :, n]
        crossed = (first[..., 1] > at[:, 1]) != (last[..., 1] > at[:, 1])
        turn = (last[..., 0] - first[..., 0]) * (at[:, 1] - first[..., 1]) - (last[..., 1] - first[..., 1]) * (at[:, 0] - first[..., 0])
        odd ^= crossed & ((turn < 0) == (last[..., 1] < first[..., 1])) & (turn != 0)
    return odd


def soft(polygons: Tensor, height: int, width: int, extent: float, tau: float, at: Tensor | None = None) -> Tensor:
    """Coverage ``[B, 1, H, W]``; ``at`` in place of the pixel centres makes the common mistakes."""
    at = centres(height, width, extent) if at is None else at
    distance = border_distance(at, polygons)
    signed = torch.where(inside(at, polygons), distance, -distance)
    return torch.sigmoid(signed / tau).reshape(len(polygons), 1, height, width)


def unsigned(polygons: Tensor, height: int, width: int, extent: float, tau: float) -> Tensor:
    """The sign dropped: half inside and outside alike."""
    return torch.sigmoid(-border_distance(centres(height, width, extent), polygons) / tau).reshape(-1, 1, height, width)


def corners(polygons: Tensor, height: int, width: int, extent: float, tau: float) -> Tensor:
    """The upper left corner of each pixel in place of its centre."""
    at = centres(height, width, extent) + torch.tensor([-extent / width, extent / height], dtype=torch.float64)
    return soft(polygons, height, width, extent, tau, at)


def material(count: int, points: int, height: int, width: int, *, extent: float = 1.6, tau: float = 0.11, away: float = 0.3):
    """Case material: random polygons on a raster."""
    return lambda draw: Inputs((blobs(draw, count, points, away), height, width, extent, tau))


def clear_of_the_border(count: int, points: int, height: int, width: int, tau: float):
    """Case material: no pixel centre within twenty ``tau`` of a border, so that every pixel is all but full or empty."""

    def drawn(draw: Draw) -> Inputs:
        # a loop with an end: fifty misses in a row do not happen at this density of pixels.
        for _ in range(50):
            polygons = blobs(draw, count, points).to(torch.float32).to(torch.float64)
            if bool((border_distance(centres(height, width, 1.6), polygons) > 20 * tau).all()):
                break
        return Inputs((polygons, height, width, 1.6, tau))

    return drawn


def one_repeated(count: int, points: int, vertex: int):
    """Case material: a vertex stands twice in a row, as the last one does in most drawings."""

    def drawn(draw: Draw) -> Inputs:
        order = sorted([*range(points), vertex])
        return Inputs((blobs(draw, count, points)[:, :, order], 9, 12, 1.6, 0.11))

    return drawn


def clockwise(count: int, points: int):
    """Case material: vertices in the other sequence."""
    return lambda draw: Inputs((blobs(draw, count, points).flip(2), 10, 7, 1.6, 0.12))


def outside(draw: Draw) -> Inputs:
    """Case material: one polygon wholly beyond the raster, one partly."""
    polygons = blobs(draw, 2, 7)
    shift = torch.tensor([[[4.0], [-5.0]], [[1.3], [0.9]]], dtype=torch.float64)
    return Inputs((torch.cat([polygons + shift, blobs(draw, 1, 7)]), 8, 11, 1.3, 0.15))


class Coverage(Exercise):
    """The logistic function of the signed distance, at every pixel's centre."""

    name = "shapes.coverage"
    title = "Differentiable rasteriser"
    symbol = "coverage"
    tripwires = ("vislab.geometry.outlines.soft_masks",)
    points = {Family.VALUE: 1.5, Family.GRADIENT: 1.0, Family.STABILITY: 0.75, Family.DTYPE: 0.5, Family.EDGE: 0.75, Family.PURITY: 0.5}
    diagnoses = {
        "upside down": lambda polygons, *rest: soft(polygons, *rest).flip(2),
        "pixels read at a corner instead of their centre": corners,
        "inside and outside exchanged": lambda polygons, *rest: 1 - soft(polygons, *rest),
        "a distance without its sign": unsigned,
        "height and width exchanged": lambda polygons, h, w, *rest: soft(polygons, w, h, *rest).reshape(-1, 1, h, w),
        "the distance times tau instead of divided by it": lambda polygons, h, w, s, tau: soft(polygons, h, w, s, 1 / tau),
        "tau left out": lambda polygons, h, w, s, tau: soft(polygons, h, w, s, 1.0),
        "hard pixels, 0 or 1": lambda polygons, *rest: soft(polygons, *rest).round(),
    }

    def reference(self, polygons: Tensor, height: int, width: int, extent: float, tau: float) -> Tensor:
        return soft(polygons, height, width, extent, tau)

    def oracle(self, polygons: Tensor, height: int, width: int, extent: float, tau: float) -> Tensor:
        # plain numbers, pixel by pixel: inside is where the angles under which the edges are seen add up to a full turn.
        pixels = torch.zeros(len(polygons), 1, height, width, dtype=torch.float64)
        for number, (xs, ys) in enumerate(polygons.tolist()):
            edges = list(zip(zip(xs, ys), zip(xs[1:] + xs[:1], ys[1:] + ys[:1])))
            for row in range(height):
                for column in range(width):
                    at = complex(-extent + (column + 0.5) * 2 * extent / width, extent - (row + 0.5) * 2 * extent / height)
                    pixels[number, 0, row, column] = _covered(at, edges, tau)
        return pixels

    def cases(self) -> list[Case]:
        return [
            Case("three polygons", Family.VALUE, material(3, 7, 9, 13), public=True),
            Case("one polygon", Family.VALUE, material(1, 11, 8, 6, tau=0.2), public=True),
            Case("three polygons, drawn again", Family.VALUE, material(3, 9, 12, 7)),
            Case("a larger square, a sharper border", Family.VALUE, material(3, 5, 11, 14, extent=2.3, tau=0.06)),
            Case("a softer border", Family.VALUE, material(1, 8, 10, 15, extent=1.2, tau=0.35)),
            Case("gradient to the vertices", Family.GRADIENT, material(3, 7, 9, 13, tau=0.15), public=True),
            Case("gradient to the vertices, drawn again", Family.GRADIENT, material(3, 6, 12, 8, tau=0.2)),
            Case("gradient to one polygon's vertices", Family.GRADIENT, material(1, 9, 7, 10, extent=1.9)),
            Case("tau of a ten-thousandth", Family.STABILITY, clear_of_the_border(1, 6, 7, 9, 1e-4), public=True, gradient=True),
            Case("tau of a ten-thousandth, three polygons", Family.STABILITY, clear_of_the_border(3, 5, 5, 6, 1e-4), gradient=True),
            Case("tau of a thousandth", Family.STABILITY, clear_of_the_border(1, 8, 5, 7, 1e-3), gradient=True),
            Case("float64", Family.DTYPE, material(3, 7, 8, 11), dtype="float64"),
            Case("float64, gradient", Family.DTYPE, material(3, 8, 6, 9), dtype="float64", gradient=True),
            Case("partly and wholly beyond the raster", Family.EDGE, outside, public=True, gradient=True),
            Case("a raster smaller than the polygon", Family.EDGE, material(1, 9, 7, 10, extent=0.6)),
            Case("last vertex twice", Family.EDGE, one_repeated(3, 6, 5), gradient=True),
            Case("another vertex twice", Family.EDGE, one_repeated(1, 8, 3), gradient=True),
            Case("vertices clockwise", Family.EDGE, clockwise(3, 8)),
            Case("vertices clockwise, one polygon", Family.EDGE, clockwise(1, 6)),
            Case("triangles", Family.EDGE, material(3, 3, 8, 10)),
            Case("a raster of one pixel", Family.EDGE, material(3, 7, 1, 1)),
            Case("a raster of one row", Family.EDGE, material(3, 7, 1, 9)),
            Case("no polygons", Family.EDGE, material(0, 7, 8, 9)),
            Case("no polygons, a raster of one pixel", Family.EDGE, material(0, 5, 1, 1)),
            Case("x and y alternating in memory", Family.EDGE, material(3, 7, 9, 12), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, material(3, 7, 9, 12), layout="strided"),
        ]


def _covered(at: complex, edges: list, tau: float) -> float:
    nearest, turned = math.inf, 0.0
    for first, last in edges:
        a, b = complex(*first) - at, complex(*last) - at
        length = abs(b - a)
        if length:
            # in a frame in which the edge lies along the real axis, the point at the origin.
            left, right = a * (b - a).conjugate() / length, b * (b - a).conjugate() / length
            nearest = min(nearest, abs(left.imag) if left.real < 0 < right.real else min(abs(a), abs(b)))
            turned += math.atan2(a.real * b.imag - a.imag * b.real, a.real * b.real + a.imag * b.imag)
    signed = nearest if abs(turned) > math.pi else -nearest
    return 1 / (1 + math.exp(min(-signed / tau, 700.0)))
