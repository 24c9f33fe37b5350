"""The gradient of the rasteriser as a Triton kernel: what every pixel pulls at the vertices, without a table and without atomics."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from assignments.a2_shapes.exercises.coverage import centres
from assignments.a2_shapes.exercises.coverage_kernel import blobs
from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import Buffer, In, KernelProbe, Launch, Out, Stride
from vislab.check.verdict import Family

EXTENT = 1.6
# an ordinary pixel keeps this far from the outline, and its nearest edge is nearer than any other by this much in the squared distance:
# what decides such a pixel must not be a rounding error.
CLEAR, MARGIN = 4e-3, 1e-5
# float16 between 1 and 2 is off by 5e-4 at most; the derived tolerance would forgive distances taken in float16.
ATOL_HALF, PULL_HALF = 1e-3, 0.1


def ways(at: Tensor, polygon: Tensor, *, clamped: bool = True) -> tuple[Tensor, Tensor]:
    """From every edge's nearest point to every pixel, ``[P, N, 2]``, and where on the edge that point is, ``[P, N]``.

    Edge n runs from vertex n - 1 to vertex n. Beside an edge the way is the part of the difference across the edge: the difference of
    pixel and nearest point itself loses its digits near the outline.
    """
    first, last = polygon.roll(1, dims=1).T, polygon.T
    edge, away = last - first, at[:, None] - first
    squared = edge.square().sum(dim=1)
    safe = torch.where(squared == 0, 1.0, squared)
    share = (away * edge).sum(dim=2) / safe
    share = share.clamp(0, 1) if clamped else share
    across = (away[..., 0] * edge[:, 1] - away[..., 1] * edge[:, 0]) / safe
    normal = torch.stack([edge[:, 1], -edge[:, 0]], dim=1)
    beside = (share > 0) & (share < 1) | torch.tensor(not clamped)
    return torch.where(beside[..., None], across[..., None] * normal, away - share[..., None] * edge), share


def signs(at: Tensor, polygon: Tensor) -> Tensor:
    """-1 for pixels inside by the even-odd rule, 1 outside, ``[P]``."""
    first, last = polygon.roll(1, dims=1).T, polygon.T
    edge, away = last - first, at[:, None] - first
    crossed = (first[:, 1] > at[:, None, 1]) != (last[:, 1] > at[:, None, 1])
    right = (away[..., 0] * edge[:, 1] < away[..., 1] * edge[:, 0]) == (edge[:, 1] > 0)
    return 1.0 - 2.0 * ((crossed & right).sum(dim=1) % 2).to(polygon.dtype)


def pulled_back(
    polygons: Tensor,
    pull: Tensor,
    height: int,
    width: int,
    extent: float,
    tau: float,
    *,
    clamped: bool = True,
    signed: bool = True,
    slope: bool = True,
    exchanged: bool = False,
    begins: float = 1.0,
    down: bool = False,
) -> Tensor:
    """Gradient ``[B, 2, N]`` of ``sum(pull * coverage)`` in the vertices; the options make the common mistakes."""
    at = centres(height, width, extent, polygons.dtype)
    at = at * torch.tensor([1.0, -1.0], dtype=at.dtype) if down else at
    gradient = torch.zeros_like(polygons)
    for b, (polygon, wish) in enumerate(zip(polygons, pull.reshape(len(polygons), height * width))):
        way, share = ways(at, polygon, clamped=clamped)
        squared = way.square().sum(dim=2)
        nearest = squared.argmin(dim=1)
        pixel = torch.arange(len(at))
        way, share, distance = way[pixel, nearest], share[pixel, nearest], squared[pixel, nearest].sqrt()
        sign = signs(at, polygon) if signed else torch.ones_like(distance)
        soft = sign * distance / tau
        size = sign * wish / tau * (torch.sigmoid(soft) * torch.sigmoid(-soft) if slope else 1.0)
        force = torch.where(distance[:, None] > 0, size[:, None] * way / torch.where(distance > 0, distance, 1.0)[:, None], 0.0)
        share = 1 - share if exchanged else share
        gradient[b].index_add_(1, nearest, (share[:, None] * force).T)
        gradient[b].index_add_(1, (nearest - 1) % polygon.shape[1], begins * ((1 - share)[:, None] * force).T)
    return gradient


def undecided(polygon: Tensor, at: Tensor, clear: float = CLEAR) -> bool:
    """Whether rounding might choose another nearest edge for some pixel, or some pixel lies closer to the outline than ``clear``."""
    way, _ = ways(at, polygon)
    squared = way.square().sum(dim=2)
    best = squared.argmin(dim=1)
    nearest = squared.amin(dim=1, keepdim=True)
    # edges that meet in the nearest point say the same.
    other = (way - way[torch.arange(len(at)), best][:, None]).norm(dim=2) > 1e-9
    return bool(((squared - nearest < MARGIN) & other).any()) or bool((nearest < clear**2).any())


def decided(draw: Draw, count: int, points: int, at: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random polygons ``[count, 2, points]`` without a pixel that rounding decides, as they are sent."""
    found = torch.zeros(count, 2, points, dtype=torch.float64)
    for b in range(count):
        # a loop with an end: at least one of three draws will do.
        for _ in range(100):
            found[b] = blobs(draw, 1, points)[0].to(dtype).to(torch.float64)
            if not undecided(found[b], at):
                break
    return found


def inputs_of(
    draw: Draw, polygons: Tensor, height: int, width: int, extent: float, tau: float, block: int, vertices: int, std: float = 1.0
) -> Inputs:
    """A call: polygons, a random pull on every pixel (one axis, so that it is contiguous in every layout), sizes."""
    return Inputs((polygons, draw.normal(len(polygons) * height * width, std=std), height, width, extent, tau, block, vertices))


def material(
    count: int,
    points: int,
    height: int,
    width: int,
    *,
    tau: float = 0.11,
    block: int = 64,
    vertices: int = 16,
    back: bool = False,
    dtype: torch.dtype = torch.float32,
):
    """Case material: random polygons, clockwise if ``back``."""

    def inputs(draw: Draw) -> Inputs:
        polygons = decided(draw, count, points, centres(height, width, EXTENT), dtype)
        polygons = polygons.flip(2) if back else polygons
        std = PULL_HALF if dtype is torch.float16 else 1.0
        return inputs_of(draw, polygons, height, width, EXTENT, tau, block, vertices, std)

    return inputs


def split(count: int, points: int):
    """Case material: a point on an edge stands twice, so that an edge has length 0; no pixel's nearest point is there."""

    def inputs(draw: Draw) -> Inputs:
        polygons = decided(draw, count, points, centres(5, 7, EXTENT))
        where = draw.whole(0, points)
        middle = (0.4 * polygons[:, :, [where - 1]] + 0.6 * polygons[:, :, [where]]).to(torch.float32).to(torch.float64)
        polygons = torch.cat([polygons[:, :, :where], middle, middle, polygons[:, :, where:]], dim=2)
        return inputs_of(draw, polygons, 5, 7, EXTENT, 0.11, 64, 16)

    return inputs


def beside_the_outline(count: int, points: int, distance: float):
    """Case material: polygons moved so that one pixel lies ``distance`` from the middle part of an edge, every second one inside."""

    def inputs(draw: Draw) -> Inputs:
        at, polygons = centres(5, 7, EXTENT), torch.zeros(count, 2, points, dtype=torch.float64)
        for b in range(count):
            for _ in range(200):
                drawn, edge, pixel = blobs(draw, 1, points)[0], draw.whole(0, points), draw.whole(0, 35)
                way = drawn[:, edge] - drawn[:, edge - 1]
                foot = drawn[:, edge - 1] + draw.number(0.3, 0.7) * way
                # to the right of the way for an outline that runs counter-clockwise: outside.
                normal = torch.stack([way[1], -way[0]]) / way.norm() * (distance if b % 2 else -distance)
                polygons[b] = (drawn + (at[pixel] - normal - foot)[:, None]).to(torch.float32).to(torch.float64)
                others = torch.cat([at[:pixel], at[pixel + 1 :]])
                nearest = ways(at[[pixel]], polygons[b])[0].norm(dim=2)
                if int(nearest.argmin()) == edge and int((nearest < 0.05).sum()) == 1 and not undecided(polygons[b], others):
                    break
        return inputs_of(draw, polygons, 5, 7, EXTENT, 0.11, 64, 8)

    return inputs


def far_inside(count: int, points: int, tau: float):
    """Case material: a small raster in the middle of large polygons, every pixel many ``tau`` inside."""

    def inputs(draw: Draw) -> Inputs:
        at = centres(4, 6, 0.3)
        for _ in range(100):
            turn = torch.arange(points, dtype=torch.float64) + draw.uniform(-0.2, 0.2, count, points)
            angle, radius = turn * (2 * math.pi / points), draw.uniform(1.0, 1.3, count, points)
            polygons = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1).to(torch.float32).to(torch.float64)
            if not any(undecided(polygon, at) for polygon in polygons):
                break
        return inputs_of(draw, polygons, 4, 6, 0.3, tau, 32, 16)

    return inputs


def on_the_outline(draw: Draw) -> Inputs:
    """Case material: pixels exactly on a level edge, on an upright one, and on their ends; every number there is exact."""
    at, polygons = centres(4, 8, 2.0), torch.zeros(2, 2, 5, dtype=torch.float64)
    for b, (x, y) in enumerate([(0.25, -0.5), (-0.25, -1.5)]):
        exact = (at[:, 1] == y) & (at[:, 0] <= x) & (at[:, 0] >= x - 1) | (at[:, 0] == x) & (at[:, 1] >= y) & (at[:, 1] <= y + 2)
        for _ in range(100):
            far_x = torch.tensor([-0.9, -1.3], dtype=torch.float64) + draw.uniform(-0.15, 0.15, 2)
            far_y = torch.tensor([2.2, 1.0], dtype=torch.float64) + draw.uniform(-0.2, 0.2, 2)
            shape = torch.tensor([[-1.0, 0.0, 0.0, *far_x], [0.0, 0.0, 2.0, *far_y]], dtype=torch.float64)
            polygons[b] = (shape + torch.tensor([[x], [y]], dtype=torch.float64)).to(torch.float32).to(torch.float64)
            if not undecided(polygons[b], at[~exact]):
                break
    return inputs_of(draw, polygons, 4, 8, 2.0, 0.3, 32, 8)


class CoverageBackwardKernel(Exercise):
    """One program for each block of vertices of each polygon, which walks over all pixels. Bonus."""

    name = "shapes.coverage_backward_kernel"
    title = "Gradient of the rasteriser as a Triton kernel"
    symbol = "coverage_backward_kernel"
    bonus = True
    points = {Family.VALUE: 2.75, Family.STABILITY: 1.25, Family.DTYPE: 0.5, Family.EDGE: 1.0, Family.PURITY: 0.5}
    probe = KernelProbe()
    diagnoses = {
        "the same sign for inside and outside": lambda polygons, pull, h, w, s, tau, *_: pulled_back(
            polygons, pull, h, w, s, tau, signed=False
        ),
        "endless lines instead of edges": lambda polygons, pull, h, w, s, tau, *_: pulled_back(polygons, pull, h, w, s, tau, clamped=False),
        "the shares of an edge's two ends exchanged": lambda polygons, pull, h, w, s, tau, *_: pulled_back(
            polygons, pull, h, w, s, tau, exchanged=True
        ),
        "only the edge that ends at a vertex": lambda polygons, pull, h, w, s, tau, *_: pulled_back(
            polygons, pull, h, w, s, tau, begins=0.0
        ),
        "the slope of the logistic function left out": lambda polygons, pull, h, w, s, tau, *_: pulled_back(
            polygons, pull, h, w, s, tau, slope=False
        ),
        "not divided by tau": lambda polygons, pull, h, w, s, tau, *_: pulled_back(polygons, pull, h, w, s, tau) * tau,
        "a pull of 1 on every pixel": lambda polygons, pull, h, w, s, tau, *_: pulled_back(polygons, torch.ones_like(pull), h, w, s, tau),
        "upside down": lambda polygons, pull, h, w, s, tau, *_: pulled_back(polygons, pull, h, w, s, tau, down=True),
    }

    def reference(
        self, polygons: Tensor, pull: Tensor, height: int, width: int, extent: float, tau: float, block: int, vertices: int
    ) -> Tensor:
        return pulled_back(polygons, pull, height, width, extent, tau)

    def oracle(
        self, polygons: Tensor, pull: Tensor, height: int, width: int, extent: float, tau: float, block: int, vertices: int
    ) -> Tensor:
        # autograd through distances in complex numbers and winding numbers, pixel by pixel; nothing of the formula above.
        gradient = torch.zeros_like(polygons)
        for b, (polygon, wish) in enumerate(zip(polygons, pull.reshape(len(polygons), height * width))):
            leaf = polygon.clone().requires_grad_(True)
            total = torch.zeros((), dtype=polygon.dtype)
            for number, weight in enumerate(wish):
                row, column = divmod(number, width)
                at = torch.complex(leaf[0], leaf[1]) - complex(
                    -extent + (column + 0.5) * 2 * extent / width, extent - (row + 0.5) * 2 * extent / height
                )
                last = at.roll(-1)
                turned = at.conj() * last
                winding = turned.detach().angle().sum().abs() > math.pi
                distance = _nearest(at, last)
                # exactly on the outline the coverage is a half, whatever the sign, and says nothing.
                total = total + weight * torch.sigmoid((distance if winding else -distance) / tau)
            if polygon.shape[1] and height * width:
                (gradient[b],) = torch.autograd.grad(total, leaf)
        return gradient

    def launch(self, inputs: Inputs) -> Launch:
        polygons, _, height, width, extent, tau, block, vertices = inputs.args
        assert isinstance(polygons, Tensor) and isinstance(height, int) and isinstance(width, int)
        assert isinstance(extent, float) and isinstance(tau, float) and isinstance(block, int) and isinstance(vertices, int)
        count, _, points = polygons.shape
        # a store without a mask runs over the end by up to a block of vertices, and must hit guard rows, not foreign memory.
        return Launch(
            arguments=(In(0), In(1), Out(0), points, height, width, extent, tau, Stride(0, 0), Stride(0, 1), Stride(0, 2)),
            outputs=(Buffer((count, 2, points), guard_rows=2 + -(-vertices // points)),),
            grid=(count, points, vertices),
            constants={"BLOCK": block, "VERTICES": vertices},
        )

    def cases(self) -> list[Case]:
        return [
            Case("three polygons, several blocks", Family.VALUE, material(3, 11, 5, 7, block=32, vertices=8), public=True),
            Case("one polygon", Family.VALUE, material(1, 6, 7, 5, block=16), public=True),
            Case("three polygons, drawn again", Family.VALUE, material(3, 9, 6, 8, vertices=8)),
            Case("one polygon, many blocks", Family.VALUE, material(1, 13, 8, 6, tau=0.2, block=16, vertices=8)),
            Case("a softer border", Family.VALUE, material(3, 10, 6, 7, tau=0.35, vertices=8)),
            Case("tau of a hundredth", Family.STABILITY, material(3, 7, 5, 8, tau=0.01)),
            Case("pixels a ten-thousandth from the outline", Family.STABILITY, beside_the_outline(2, 6, 1e-4), public=True),
            Case("pixels a few hundred-thousandths from the outline", Family.STABILITY, beside_the_outline(3, 5, 4e-5)),
            Case("pixels a ten-thousandth from the outline, drawn again", Family.STABILITY, beside_the_outline(3, 7, 1e-4)),
            Case("every pixel far inside", Family.STABILITY, far_inside(3, 7, 0.045)),
            Case("every pixel far inside, one polygon", Family.STABILITY, far_inside(1, 9, 0.04)),
            Case("float16", Family.DTYPE, material(3, 6, 7, 9, tau=0.02, dtype=torch.float16), dtype="float16", atol=ATOL_HALF),
            Case(
                "float16, one polygon", Family.DTYPE, material(1, 9, 12, 10, tau=0.02, dtype=torch.float16), dtype="float16", atol=ATOL_HALF
            ),
            Case("pixels exactly on the outline", Family.EDGE, on_the_outline, public=True),
            Case("pixels exactly on the outline, drawn again", Family.EDGE, on_the_outline),
            Case("a point of an edge stands twice", Family.EDGE, split(3, 6), public=True),
            Case("a point of an edge stands twice, one polygon", Family.EDGE, split(1, 7)),
            Case("clockwise", Family.EDGE, material(3, 6, 5, 7, back=True)),
            Case("x and y alternating in memory", Family.EDGE, material(3, 5, 6, 7), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, material(3, 5, 6, 7), layout="strided"),
            Case("one vertex more than a block", Family.EDGE, material(3, 9, 4, 5, vertices=8)),
            Case("exactly one block of vertices, one of pixels", Family.EDGE, material(1, 8, 4, 8, block=32, vertices=8)),
            Case("one pixel more than a block", Family.EDGE, material(3, 5, 3, 11, block=32)),
            Case("a triangle and a raster of one pixel", Family.EDGE, material(3, 3, 1, 1, block=16)),
            Case("no polygons", Family.EDGE, material(0, 5, 6, 7)),
        ]


def _nearest(first: Tensor, last: Tensor) -> Tensor:
    """Smallest distance of the origin from edges between complex numbers; without a gradient where it is 0."""
    length = (last - first).abs()
    turned = torch.where(length > 0, (last - first).conj() / torch.where(length > 0, length, 1.0), 1.0)
    left, right = first * turned, last * turned
    beside = (left.real < 0) & (right.real > 0)
    return torch.where(beside, left.imag.abs(), torch.minimum(first.abs(), last.abs())).amin()
