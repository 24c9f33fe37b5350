"""The gradient of the soft-arg-max as a Triton kernel: from three numbers a map that the forward pass left, and one read of the map."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import Buffer, In, KernelProbe, Launch, Out, Stride
from vislab.check.verdict import Family


def blank(maps: Tensor) -> Tensor:
    """Which maps have no allowed cell, ``[N]``."""
    return torch.isneginf(maps).all(dim=2).all(dim=1)


def statistics(maps: Tensor) -> Tensor:
    """What the forward pass keeps of each map, ``[N, 4]``: mean column, mean row, largest logit, sum of the weights under it."""
    height, width = maps.shape[1:]
    peak = maps.amax(dim=(1, 2))
    # -inf minus -inf is NaN: a map without any allowed cell has no weights.
    weights = torch.exp(maps - peak[:, None, None]).masked_fill(blank(maps)[:, None, None], 0.0)
    total = weights.sum(dim=(1, 2))
    safe = total.masked_fill(total == 0, 1.0)
    x = (weights.sum(dim=1) * torch.arange(width, dtype=maps.dtype)).sum(dim=1) / safe
    y = (weights.sum(dim=2) * torch.arange(height, dtype=maps.dtype)).sum(dim=1) / safe
    x = torch.where(total == 0, (width - 1) / 2, x)
    y = torch.where(total == 0, (height - 1) / 2, y)
    return torch.stack([x, y, peak, total], dim=1)


def pulled_back(maps: Tensor, pull: Tensor, centre: Tensor | None = None, *, divided: bool = True) -> Tensor:
    """``p ((x − x̂) g_x + (y − ŷ) g_y)``; ``centre`` in place of the mean, and weights in place of p, make the common mistakes."""
    known = statistics(maps)
    height, width = maps.shape[1:]
    at = known[:, :2] if centre is None else centre
    total = known[:, 3].masked_fill(known[:, 3] == 0, 1.0) if divided else torch.ones_like(known[:, 3])
    share = torch.exp(maps - known[:, 2, None, None]) / total[:, None, None]
    x = torch.arange(width, dtype=maps.dtype) - at[:, 0, None, None]
    y = torch.arange(height, dtype=maps.dtype)[:, None] - at[:, 1, None, None]
    slope = x * pull[:, 0, None, None] + y * pull[:, 1, None, None]
    return (share * slope).masked_fill(blank(maps)[:, None, None], 0.0)


def case_inputs(draw: Draw, maps: Tensor, block: int, dtype: torch.dtype = torch.float32, scale: float = 1.0) -> Inputs:
    """Maps with what the forward pass left of them; rounded first, so that both are of the very same maps."""
    maps = maps.to(dtype).to(torch.float64)
    # one axis each, so that they stay contiguous in every layout of the maps.
    return Inputs((maps, statistics(maps).flatten(), scale * draw.normal(2 * len(maps)), block))


def noise(count: int, height: int, width: int, block: int = 64, offset: float = 0.0, std: float = 1.5):
    """Case material: ``count`` maps of independent logits."""
    return lambda draw: case_inputs(draw, draw.normal(count, height, width, mean=offset, std=std), block)


def half(count: int, height: int, width: int, block: int):
    """Case material: float16 maps, and a gradient as large as mixed-precision training makes it by scaling its loss."""
    return lambda draw: case_inputs(draw, draw.normal(count, height, width, std=0.1), block, torch.float16, scale=8192.0)


def huge(draw: Draw) -> Inputs:
    """Case material: logits around +10 000 and -10 000."""
    sign = torch.where(draw.mask(0.5, 2, 9, 15), 1.0, -1.0).to(torch.float64)
    sign[:, 0, 0], sign[:, -1, -1] = -1.0, 1.0
    return case_inputs(draw, sign * 1e4 + draw.normal(2, 9, 15), 32)


def partly_masked(draw: Draw) -> Inputs:
    """Case material: a third of the cells, among them the first rows, are masked by minus infinity."""
    maps = draw.normal(3, 9, 15, std=1.5)
    maps[:, :3] = -torch.inf
    return case_inputs(draw, maps.masked_fill(draw.mask(0.2, 3, 9, 15), -torch.inf), 32)


def one_map_masked(draw: Draw) -> Inputs:
    """Case material: one map of three has no allowed cell at all."""
    maps = draw.normal(3, 9, 15, std=1.5)
    maps[1] = -torch.inf
    return case_inputs(draw, maps, 32)


def only_map_masked(draw: Draw) -> Inputs:
    """Case material: one map, without any allowed cell."""
    return case_inputs(draw, torch.full((1, 9, draw.whole(10, 16)), -torch.inf, dtype=torch.float64), 32)


class SoftArgmaxBackwardKernel(Exercise):
    """Gradient of the expected position in the maps. Bonus."""

    name = "pose.soft_argmax_backward_kernel"
    title = "Soft-arg-max backward as a Triton kernel"
    symbol = "soft_argmax_backward_kernel"
    bonus = True
    points = {Family.VALUE: 2.5, Family.STABILITY: 1.25, Family.DTYPE: 0.75, Family.EDGE: 1.0, Family.PURITY: 0.5}
    probe = KernelProbe()
    diagnoses = {
        "p times the position, without the mean taken off": lambda maps, saved, pull, block: pulled_back(
            maps, pull.reshape(-1, 2), torch.zeros(len(maps), 2, dtype=maps.dtype)
        ),
        "the gradients of x and y exchanged": lambda maps, saved, pull, block: pulled_back(maps, pull.reshape(-1, 2).flip(1)),
        "weights that were never divided by their total": lambda maps, saved, pull, block: pulled_back(
            maps, pull.reshape(-1, 2), divided=False
        ),
        "the mean minus the position": lambda maps, saved, pull, block: -pulled_back(maps, pull.reshape(-1, 2)),
        "the gradient of the first map's answer for every map": lambda maps, saved, pull, block: pulled_back(
            maps, pull.reshape(-1, 2)[:1].expand(len(maps), 2)
        ),
    }

    def reference(self, maps: Tensor, saved: Tensor, pull: Tensor, block: int) -> Tensor:
        return pulled_back(maps, pull.reshape(-1, 2))

    def oracle(self, maps: Tensor, saved: Tensor, pull: Tensor, block: int) -> Tensor:
        # autograd through torch's own soft-max, map by map; a map without an allowed cell has gradient 0 by definition.
        gradient = torch.zeros_like(maps)
        rows, columns = torch.meshgrid(torch.arange(maps.shape[1]), torch.arange(maps.shape[2]), indexing="ij")
        cells = torch.stack([columns, rows], dim=-1).reshape(-1, 2).to(maps.dtype)
        for n, (logits, wish) in enumerate(zip(maps, pull.reshape(-1, 2))):
            if not torch.isneginf(logits).all():
                leaf = logits.flatten().requires_grad_(True)
                (found,) = torch.autograd.grad(torch.softmax(leaf, dim=0) @ cells, leaf, wish)
                gradient[n] = found.reshape(logits.shape)
        return gradient

    def launch(self, inputs: Inputs) -> Launch:
        maps, _, _, block = inputs.args
        assert isinstance(maps, Tensor) and isinstance(block, int)
        count, height, width = maps.shape
        # a store without a mask, or with the strides of the maps, runs over the end: it must hit guard rows, not foreign memory.
        return Launch(
            arguments=(In(0), In(1), In(2), Out(0), height, width, Stride(0, 0), Stride(0, 1), Stride(0, 2)),
            outputs=(Buffer((count, height, width), guard_rows=2 + count + -(-block // (height * width))),),
            grid=(count, height, width, block),
            constants={"BLOCK": block},
        )

    def cases(self) -> list[Case]:
        return [
            Case("several blocks", Family.VALUE, noise(3, 9, 15), public=True),
            Case("one block holds the map", Family.VALUE, noise(4, 5, 7), public=True),
            Case("several blocks, drawn again", Family.VALUE, noise(4, 11, 13)),
            Case("taller than wide", Family.VALUE, noise(3, 19, 6, block=32)),
            Case("one map, many blocks", Family.VALUE, noise(1, 11, 13, block=16)),
            Case("cells masked by minus infinity", Family.STABILITY, partly_masked, public=True),
            Case("one map masked everywhere", Family.STABILITY, one_map_masked),
            Case("the only map masked everywhere", Family.STABILITY, only_map_masked),
            Case("logits of plus and minus 10 000", Family.STABILITY, huge),
            Case("a constant of 300 added", Family.STABILITY, noise(2, 9, 15, offset=300.0)),
            Case("a constant of 300 taken away", Family.STABILITY, noise(2, 9, 15, offset=-300.0)),
            Case("float16 maps, loss scaled by 8192", Family.DTYPE, half(2, 40, 60, 1024), dtype="float16"),
            Case("float16 map, loss scaled by 8192", Family.DTYPE, half(1, 75, 48, 2048), dtype="float16"),
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
