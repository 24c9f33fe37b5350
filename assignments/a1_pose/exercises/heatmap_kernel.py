"""Gaussian heatmaps as a Triton kernel: every cell is computed on its own and written once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import Buffer, In, KernelProbe, Launch, Out, Stride
from vislab.check.verdict import Family


def squares(positions: Tensor, height: int, width: int) -> Tensor:
    """Squared distance of every cell from the joint, ``[N, 2]`` to ``[N, H, W]``."""
    x = torch.arange(width, dtype=positions.dtype) - positions[:, 0, None, None]
    y = torch.arange(height, dtype=positions.dtype)[:, None] - positions[:, 1, None, None]
    return x**2 + y**2


def rendered(positions: Tensor, visible: Tensor, height: int, width: int, sigma: float) -> Tensor:
    """Maps with 1 at the joint, ``[N, H, W]``; zero for a joint that is not visible, whatever its position."""
    hidden = visible == 0
    maps = torch.exp(-squares(positions.masked_fill(hidden[:, None], 0.0), height, width) / (2 * sigma**2))
    return maps.masked_fill(hidden[:, None, None], 0.0)


def drawn_anyway(positions: Tensor, visible: Tensor, height: int, width: int, sigma: float, block: int) -> Tensor:
    """Every joint drawn, visible or not."""
    return rendered(positions, torch.ones_like(visible), height, width, sigma)


def summing_to_one(positions: Tensor, visible: Tensor, height: int, width: int, sigma: float, block: int) -> Tensor:
    """Maps divided by their sum."""
    maps = rendered(positions, visible, height, width, sigma)
    return maps / maps.sum(dim=(1, 2), keepdim=True).clamp(min=1e-30)


def joints(
    count: int,
    height: int,
    width: int,
    *,
    block: int = 64,
    sigma: float = 1.7,
    hidden: tuple[int, ...] = (),
    nowhere: bool = False,
    beyond: float = 0.0,
):
    """Case material: joints anywhere on the map and up to ``beyond`` pixels outside; those in ``hidden`` lie at NaN if ``nowhere``."""

    def material(draw: Draw) -> Inputs:
        x = draw.uniform(0.1 - beyond, max(width - 1, 0.6) + beyond, count)
        y = draw.uniform(0.1 - beyond, max(height - 1, 0.6) + beyond, count)
        positions, visible = torch.stack([x, y], dim=1), torch.ones(count, dtype=torch.uint8)
        visible[list(hidden)] = 0
        if nowhere:
            positions[list(hidden)] = torch.nan
        return Inputs((positions, visible, height, width, sigma, block))

    return material


def nearly_on_a_cell(sigma: float):
    """Case material: joints within two sigma of a cell's centre, sigma being tiny."""

    def material(draw: Draw) -> Inputs:
        cells = torch.stack([draw.integers(1, 8, 3), draw.integers(1, 5, 3)], dim=1).to(torch.float64)
        away = sigma * draw.uniform(0.5, 1.2, 3, 2) * torch.where(draw.mask(0.5, 3, 2), 1.0, -1.0)
        return Inputs((cells + away, torch.ones(3, dtype=torch.uint8), 7, 9, sigma, 32))

    return material


def far_away(draw: Draw) -> Inputs:
    """Case material: one joint on the map, the others up to a million pixels outside on every side."""
    sign = torch.tensor([[1.0, 1.0], [-1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    positions = torch.cat([draw.uniform(2.0, 6.0, 1, 2), sign * draw.uniform(1e4, 1e6, 3, 1) + 3.3])
    return Inputs((positions, torch.ones(4, dtype=torch.uint8), 9, 15, 1.7, 64))


def wide_map(height: int, width: int, sigma: float, block: int):
    """Case material: one joint in the right part of a wide map."""

    def material(draw: Draw) -> Inputs:
        positions = torch.stack([draw.uniform(0.85 * width, 0.95 * width, 1), draw.uniform(0.1, height - 0.6, 1)], dim=1)
        return Inputs((positions, torch.ones(1, dtype=torch.uint8), height, width, sigma, block))

    return material


class HeatmapKernel(Exercise):
    """One Gaussian bump for each joint, one write for each cell. Bonus."""

    name = "pose.heatmap_kernel"
    title = "Gaussian heatmaps as a Triton kernel"
    symbol = "heatmap_kernel"
    bonus = True
    points = {Family.VALUE: 2.5, Family.STABILITY: 1.0, Family.DTYPE: 0.75, Family.EDGE: 1.25, Family.PURITY: 0.5}
    probe = KernelProbe()
    diagnoses = {
        "x and y swapped": lambda at, visible, h, w, sigma, block: rendered(at.flip(1), visible, h, w, sigma),
        "sigma squared without the 2 in front": lambda at, visible, h, w, sigma, block: rendered(at, visible, h, w, sigma / 2**0.5),
        "sigma that was never squared": lambda at, visible, h, w, sigma, block: rendered(at, visible, h, w, sigma**0.5),
        "the joint moved to the nearest cell": lambda at, visible, h, w, sigma, block: rendered(at.round(), visible, h, w, sigma),
        "rows and columns mixed up": lambda at, visible, h, w, sigma, block: rendered(at, visible, w, h, sigma).reshape(-1, h, w),
        "hidden joints drawn like the others": drawn_anyway,
        "maps that sum to one": summing_to_one,
    }

    def reference(self, positions: Tensor, visible: Tensor, height: int, width: int, sigma: float, block: int) -> Tensor:
        return rendered(positions, visible, height, width, sigma)

    def oracle(self, positions: Tensor, visible: Tensor, height: int, width: int, sigma: float, block: int) -> Tensor:
        from scipy.stats import norm

        # a normal density for each axis, scaled to 1 in the middle; the map is their outer product.
        maps = np.zeros((len(positions), height, width))
        for n, (x, y) in enumerate(positions.tolist()):
            if visible[n]:
                columns, rows = norm.pdf(np.arange(width), x, sigma), norm.pdf(np.arange(height), y, sigma)
                maps[n] = np.outer(rows, columns) * (2 * np.pi * sigma**2)
        return torch.from_numpy(maps)

    def launch(self, inputs: Inputs) -> Launch:
        positions, _, height, width, sigma, block = inputs.args
        assert isinstance(positions, Tensor) and isinstance(height, int) and isinstance(width, int)
        assert isinstance(sigma, float) and isinstance(block, int)
        # a store without a mask runs over the end by up to a block, and must hit guard rows, not foreign memory.
        return Launch(
            arguments=(In(0), In(1), Out(0), height, width, sigma, Stride(0, 0), Stride(0, 1)),
            outputs=(Buffer((len(positions), height, width), guard_rows=2 + -(-block // (height * width))),),
            grid=(len(positions), height, width, block),
            constants={"BLOCK": block},
        )

    def cases(self) -> list[Case]:
        # float16 between a half and one is off by 2.4e-4 at most. The derived tolerance would let the position move by a float16 step,
        # and so forgive distances taken in float16, which these cases are there to catch.
        half_atol = 1e-3
        return [
            Case("three joints, several blocks", Family.VALUE, joints(3, 9, 15), public=True),
            Case("four joints, one of them hidden", Family.VALUE, joints(4, 5, 7, hidden=(2,)), public=True),
            Case("another width of the bump", Family.VALUE, joints(4, 11, 13, sigma=2.6, hidden=(1,))),
            Case("taller than wide", Family.VALUE, joints(3, 19, 6, block=32)),
            Case("one joint, many blocks", Family.VALUE, joints(1, 11, 13, block=16, sigma=0.8)),
            Case("hidden joints at NaN", Family.STABILITY, joints(4, 9, 15, hidden=(0, 3), nowhere=True), public=True),
            Case("every joint hidden, at NaN", Family.STABILITY, joints(3, 6, 11, hidden=(0, 1, 2), nowhere=True)),
            Case("sigma of a thousandth of a pixel", Family.STABILITY, nearly_on_a_cell(0.001)),
            Case("sigma of two thousandths of a pixel", Family.STABILITY, nearly_on_a_cell(0.002)),
            Case("joints up to a million pixels away", Family.STABILITY, far_away),
            Case("sigma of ten thousand pixels", Family.STABILITY, joints(3, 7, 10, sigma=1e4)),
            Case("float16, a wide bump on a wide map", Family.DTYPE, wide_map(3, 700, 120.0, 1024), dtype="float16", atol=half_atol),
            Case("float16, map of 2500 columns", Family.DTYPE, wide_map(2, 2500, 3.0, 2048), dtype="float16", atol=half_atol),
            Case("joints beyond the border", Family.EDGE, joints(4, 8, 13, beyond=3.0), public=True),
            Case("joints further out", Family.EDGE, joints(4, 9, 6, beyond=5.0, sigma=3.0)),
            Case("positions with x and y apart in memory", Family.EDGE, joints(3, 9, 15), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, joints(3, 9, 15, hidden=(1,)), layout="strided"),
            Case("map of one pixel", Family.EDGE, joints(3, 1, 1, block=16), public=True),
            Case("map one pixel wide", Family.EDGE, joints(3, 21, 1, block=16)),
            Case("map one pixel high", Family.EDGE, joints(3, 1, 21, block=16)),
            Case("a map of exactly one block", Family.EDGE, joints(3, 4, 8, block=32)),
            Case("one pixel more than a block", Family.EDGE, joints(3, 3, 11, block=32)),
            Case("one pixel less than two blocks", Family.EDGE, joints(3, 7, 9, block=32)),
            Case("no joints", Family.EDGE, joints(0, 9, 15)),
        ]
