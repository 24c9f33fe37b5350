"""The rasteriser as one Triton kernel: no table of pixels times edges is ever written."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import Buffer, In, KernelProbe, Launch, Out, Stride
from vislab.check.verdict import Family


def drawn(polygons: Tensor, height: int, width: int, extent: float, tau: float, *, sign: float = 1.0, up: bool = True) -> Tensor:
    """Coverage ``[B, H, W]``; ``sign`` and ``up`` make the common mistakes."""
    x = (2 * torch.arange(width, dtype=torch.float64) + 1 - width) * (extent / width)
    y = (height - 1 - 2 * torch.arange(height, dtype=torch.float64)) * (extent / height)
    y = (y if up else -y)[:, None]
    nearest = torch.full((len(polygons), height, width), torch.inf, dtype=torch.float64)
    odd = torch.zeros(nearest.shape, dtype=torch.bool)
    for n in range(polygons.shape[2]):
        ax, ay = polygons[:, :, n - 1, None, None].unbind(1)
        bx, by = polygons[:, :, n, None, None].unbind(1)
        u, v = bx - ax, by - ay
        squared = u * u + v * v
        share = (((x - ax) * u + (y - ay) * v) / torch.where(squared == 0, 1.0, squared)).clamp(0, 1)
        nearest = torch.minimum(nearest, (x - ax - share * u) ** 2 + (y - ay - share * v) ** 2)
        odd ^= ((ay > y) != (by > y)) & (((x - ax) * v < (y - ay) * u) == (v > 0))
    signed = torch.where(odd, -nearest.sqrt(), nearest.sqrt())
    return torch.sigmoid(-sign * signed / tau)


def blobs(draw: Draw, count: int, points: int) -> Tensor:
    """Random star-shaped polygons ``[count, 2, points]``, not centred."""
    turn = torch.arange(points, dtype=torch.float64) + draw.uniform(-0.2, 0.2, count, points) + draw.uniform(0.0, 1.0, count, 1)
    radius, angle = draw.uniform(0.45, 1.15, count, points), turn * (2 * math.pi / points)
    centre = draw.uniform(0.15, 0.3, count, 2, 1) * torch.where(draw.mask(0.5, count, 2, 1), 1.0, -1.0)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1) + centre


def material(count: int, points: int, height: int, width: int, *, tau: float = 0.11, block: int = 32, back: bool = False):
    """Case material: polygons, clockwise if ``back``."""

    def inputs(draw: Draw) -> Inputs:
        polygons = blobs(draw, count, points)
        return Inputs((polygons.flip(2) if back else polygons, height, width, 1.6, tau, block))

    return inputs


def repeated(count: int, points: int):
    """Case material: the last vertex stands twice."""
    return lambda draw: Inputs((blobs(draw, count, points)[:, :, [*range(points), points - 1]], 5, 7, 1.6, 0.11, 16))


class CoverageKernel(Exercise):
    """One program for each block of pixels of each polygon, which walks along the border. Bonus."""

    name = "shapes.coverage_kernel"
    title = "Rasteriser as a Triton kernel"
    symbol = "coverage_kernel"
    bonus = True
    points = {Family.VALUE: 2.25, Family.STABILITY: 0.75, Family.DTYPE: 0.5, Family.EDGE: 1.0, Family.PURITY: 0.5}
    probe = KernelProbe()
    diagnoses = {
        "upside down": lambda polygons, h, w, s, tau, block: drawn(polygons, h, w, s, tau, up=False),
        "inside and outside exchanged": lambda polygons, h, w, s, tau, block: drawn(polygons, h, w, s, tau, sign=-1.0),
    }

    def reference(self, polygons: Tensor, height: int, width: int, extent: float, tau: float, block: int) -> Tensor:
        return drawn(polygons, height, width, extent, tau)

    def oracle(self, polygons: Tensor, height: int, width: int, extent: float, tau: float, block: int) -> Tensor:
        # complex numbers: an edge is turned to the real axis, and inside is where the border goes round once.
        x = torch.linspace(-extent, extent, 2 * width + 1, dtype=torch.float64)[1::2]
        y = torch.linspace(extent, -extent, 2 * height + 1, dtype=torch.float64)[1::2]
        away = torch.complex(polygons[:, 0], polygons[:, 1])[:, :, None, None] - torch.complex(
            x.expand(height, -1), y[:, None].expand(-1, width)
        )
        last = away.roll(-1, dims=1)
        length = (last - away).abs()
        turned = torch.where(length > 0, (last - away).conj() / torch.where(length > 0, length, 1.0), 1.0)
        left, right = away * turned, last * turned
        beside = (left.real < 0) & (right.real > 0)
        distance = torch.where(beside, left.imag.abs(), torch.minimum(away.abs(), last.abs())).amin(dim=1)
        winding = (last * away.conj()).angle().sum(dim=1).abs() > math.pi
        return 1 / (1 + torch.exp((torch.where(winding, -distance, distance) / tau).clamp(max=700)))

    def launch(self, inputs: Inputs) -> Launch:
        polygons, height, width, extent, tau, block = inputs.args
        assert isinstance(polygons, Tensor) and isinstance(height, int) and isinstance(width, int)
        assert isinstance(extent, float) and isinstance(tau, float) and isinstance(block, int)
        count, _, points = polygons.shape
        # a store without a mask runs over the end by up to a block, and must hit guard rows, not foreign memory.
        return Launch(
            arguments=(In(0), Out(0), points, height, width, extent, tau, Stride(0, 0), Stride(0, 1), Stride(0, 2)),
            outputs=(Buffer((count, height, width), guard_rows=2 + -(-block // (height * width))),),
            grid=(count, height, width, block),
            constants={"BLOCK": block},
        )

    def cases(self) -> list[Case]:
        return [
            Case("three polygons, several blocks", Family.VALUE, material(3, 5, 7, 9), public=True),
            Case("one polygon", Family.VALUE, material(1, 7, 5, 8), public=True),
            Case("three polygons, drawn again", Family.VALUE, material(3, 6, 8, 5)),
            Case("a softer border", Family.VALUE, material(1, 8, 6, 9, tau=0.35)),
            Case("tau of a hundredth", Family.STABILITY, material(3, 5, 6, 7, tau=0.01), public=True),
            Case("tau of five thousandths", Family.STABILITY, material(1, 6, 9, 8, tau=0.005)),
            # float16 between a half and one is off by 2.4e-4 at most; the derived tolerance would forgive distances taken in float16.
            Case("float16", Family.DTYPE, material(3, 5, 7, 6), dtype="float16", atol=5e-4),
            Case("float16, one polygon", Family.DTYPE, material(1, 7, 8, 9, tau=0.05), dtype="float16", atol=5e-4),
            Case("clockwise", Family.EDGE, material(3, 5, 7, 6, back=True)),
            Case("clockwise, one polygon", Family.EDGE, material(1, 6, 5, 9, back=True)),
            Case("last vertex twice", Family.EDGE, repeated(3, 5), public=True),
            Case("last vertex twice, one polygon", Family.EDGE, repeated(1, 6)),
            Case("x and y alternating in memory", Family.EDGE, material(3, 5, 6, 7), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, material(3, 5, 6, 7), layout="strided"),
            Case("one pixel more than a block", Family.EDGE, material(3, 4, 3, 11)),
            Case("a raster of exactly one block", Family.EDGE, material(1, 5, 4, 8)),
            Case("a raster of one pixel", Family.EDGE, material(3, 5, 1, 1, block=16)),
            Case("no polygons", Family.EDGE, material(0, 5, 6, 7)),
        ]
