"""The soft-arg-max as a Triton kernel: one program per map, one pass, a running maximum."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import Buffer, In, KernelProbe, Launch, Out, Stride
from vislab.check.verdict import Family


def expectation(maps: Tensor) -> Tensor:
    """Mean column and mean row under the soft-max of each map, ``[N, H, W]`` to ``[N, 2]``; the middle where all is masked."""
    maps = maps.masked_fill(torch.isneginf(maps).all(dim=2, keepdim=True).all(dim=1, keepdim=True), 0.0)
    weights = torch.exp(maps - maps.amax(dim=(1, 2), keepdim=True))
    share = weights / weights.sum(dim=(1, 2), keepdim=True)
    x = (share.sum(dim=1) * torch.arange(maps.shape[2], dtype=maps.dtype)).sum(dim=1)
    y = (share.sum(dim=2) * torch.arange(maps.shape[1], dtype=maps.dtype)).sum(dim=1)
    return torch.stack([x, y], dim=-1)


def highest_cell(maps: Tensor) -> Tensor:
    """Column and row of the largest logit."""
    index = maps.flatten(1).argmax(dim=-1)
    return torch.stack([index % maps.shape[2], index // maps.shape[2]], dim=-1).to(maps.dtype)


def first_block(maps: Tensor, block: int = 64) -> Tensor:
    """The answer of a kernel that stops after one block."""
    seen = torch.arange(maps[0].numel()).reshape(maps.shape[1:]) < block
    return expectation(maps.masked_fill(~seen, -torch.inf))


def noise(count: int, height: int, width: int, block: int = 64, offset: float = 0.0, std: float = 1.5):
    """Case material: ``count`` maps of independent logits, and the block size of the launch."""
    return lambda draw: (draw.normal(count, height, width, mean=offset, std=std), block)


def huge(draw: Draw) -> tuple[Tensor, int]:
    """Case material: logits around +10 000 and -10 000."""
    sign = torch.where(draw.mask(0.5, 2, 9, 15), 1.0, -1.0).to(torch.float64)
    sign[:, 0, 0], sign[:, -1, -1] = -1.0, 1.0
    return sign * 1e4 + draw.normal(2, 9, 15), 32


def rising(draw: Draw) -> tuple[Tensor, int]:
    """Case material: the maximum grows from block to block by far more than the exponential can hold."""
    return draw.normal(2, 9, 15) + torch.linspace(-500.0, 500.0, 9 * 15, dtype=torch.float64).reshape(9, 15), 32


def masked_start(draw: Draw) -> tuple[Tensor, int]:
    """Case material: the first rows, more than one whole block, are masked by minus infinity."""
    maps = draw.normal(2, 9, 15, std=1.5)
    maps[:, :3] = -torch.inf
    return maps.masked_fill(draw.mask(0.1, 2, 9, 15), -torch.inf), 32


def one_map_masked(draw: Draw) -> tuple[Tensor, int]:
    """Case material: one map of many has no allowed cell at all."""
    maps = draw.normal(2, 9, 15, std=1.5)
    maps[0] = -torch.inf
    return maps, 32


def only_map_masked(draw: Draw) -> tuple[Tensor, int]:
    """Case material: one map, without any allowed cell."""
    return torch.full((1, 9, draw.whole(10, 16)), -torch.inf, dtype=torch.float64), 32


class SoftArgmaxKernel(Exercise):
    """Expected position of each map, in one pass over memory."""

    name = "pose.soft_argmax_kernel"
    title = "Soft-arg-max as a Triton kernel"
    symbol = "soft_argmax_kernel"
    points = {Family.VALUE: 3.5, Family.STABILITY: 2.0, Family.DTYPE: 1.0, Family.EDGE: 2.0, Family.PURITY: 0.5}
    probe = KernelProbe()
    diagnoses = {
        "the arg-max": lambda maps, block: highest_cell(maps),
        "x and y swapped": lambda maps, block: expectation(maps).flip(-1),
        "the first block alone": lambda maps, block: first_block(maps, block),
        "rows and columns mixed up": lambda maps, block: expectation(maps.reshape(-1, maps.shape[2], maps.shape[1])).flip(-1),
        "sums that were never divided by the total weight": lambda maps, block: (
            expectation(maps) * torch.exp(maps - maps.amax(dim=(1, 2), keepdim=True)).sum(dim=(1, 2))[:, None]
        ),
    }

    def reference(self, maps: Tensor, block: int) -> Tensor:
        return expectation(maps)

    def oracle(self, maps: Tensor, block: int) -> Tensor:
        from scipy.ndimage import center_of_mass
        from scipy.special import softmax

        # the middle of the map stays where no cell is allowed: that is the definition, not a computation.
        positions = np.tile([(maps.shape[2] - 1) / 2, (maps.shape[1] - 1) / 2], (maps.shape[0], 1))
        for n, logits in enumerate(maps.numpy()):
            if np.isfinite(logits).any():
                y, x = center_of_mass(softmax(logits))
                positions[n] = x, y
        return torch.from_numpy(positions)

    def launch(self, inputs: Inputs) -> Launch:
        maps, block = inputs.args
        assert isinstance(maps, Tensor) and isinstance(block, int)
        count, height, width = maps.shape
        return Launch(
            arguments=(In(0), Out(0), height, width, Stride(0, 0), Stride(0, 1), Stride(0, 2)),
            outputs=(Buffer((count, 2)),),
            grid=(count,),
            constants={"BLOCK": block},
        )

    def cases(self) -> list[Case]:
        # the answer is rounded to float16 once, by up to half its spacing of 1/32 between 32 and 64. The derived tolerance would allow one
        # step of float16 in every logit and in every partial sum, and so forgive float16 sums, which this case is there to catch.
        half_atol = 0.02
        return [
            Case("several blocks", Family.VALUE, noise(3, 9, 15), public=True),
            Case("one block holds the map", Family.VALUE, noise(4, 5, 7), public=True),
            Case("several blocks, drawn again", Family.VALUE, noise(4, 11, 13)),
            Case("taller than wide", Family.VALUE, noise(3, 19, 6, block=32)),
            Case("one map, many blocks", Family.VALUE, noise(1, 11, 13, block=16)),
            Case("the maximum rises from block to block", Family.STABILITY, rising, public=True),
            Case("logits of plus and minus 10 000", Family.STABILITY, huge),
            Case("first block masked by minus infinity", Family.STABILITY, masked_start),
            Case("one map masked everywhere", Family.STABILITY, one_map_masked),
            Case("the only map masked everywhere", Family.STABILITY, only_map_masked),
            Case("a constant of 300 added", Family.STABILITY, noise(2, 9, 15, offset=300.0)),
            # a running maximum that starts at zero is never left, and every weight underflows.
            Case("a constant of 300 taken away", Family.STABILITY, noise(2, 9, 15, offset=-300.0)),
            Case("a constant of 10 000 taken away", Family.STABILITY, noise(2, 9, 15, block=32, offset=-1e4)),
            Case("float16 maps of 5400 cells", Family.DTYPE, noise(2, 60, 90, block=1024, std=0.1), dtype="float16", atol=half_atol),
            Case("float16 map of 6000 cells", Family.DTYPE, noise(1, 75, 80, block=2048, std=0.1), dtype="float16", atol=half_atol),
            Case("columns of the map far apart in memory", Family.EDGE, noise(3, 9, 15), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, noise(3, 9, 15), layout="strided"),
            Case("map of one pixel", Family.EDGE, noise(3, 1, 1, block=16), public=True),
            Case("map one pixel wide", Family.EDGE, noise(3, 21, 1, block=16)),
            Case("map one pixel high", Family.EDGE, noise(3, 1, 21, block=16)),
            Case("a map of exactly one block", Family.EDGE, noise(3, 4, 8, block=32)),
            Case("one pixel more than a block", Family.EDGE, noise(3, 3, 11, block=32)),
            Case("one pixel less than two blocks", Family.EDGE, noise(3, 7, 9, block=32)),
            Case("no maps", Family.EDGE, noise(0, 9, 15)),
        ]
