"""The filters of attention windows, in PyTorch's own ops: the plain formulation's, and what the kernels' second derivatives are of."""

from __future__ import annotations

import torch
from torch import Tensor


def window_filters(
    centre: Tensor, extent: Tensor, cells: int, pixels: int, window: str, width: float, softness: float, smallest: float
) -> Tensor:
    """Return a row of weights for each cell of each window along one axis, differentiable any number of times.

    Shapes: B windows, ``cells`` cells, ``pixels`` pixels.

    Args:
        centre: float32 or float64, ``[B]``, pixels; where the windows lie.
        extent: same dtype, ``[B]``, pixels; what all cells cover together. At or below 0 every cell lies at the centre.
        window: ``"gaussian"``, ``"box"`` or ``"bump"``.
        width: a window's scale in steps from cell to cell.
        softness: of a box's edges, in scales.
        smallest: the least scale, pixels.

    Returns:
        ``[B, cells, pixels]``; each row sums to 1, but that of a bump without a pixel, which is 0.
    """
    step = torch.where(extent <= 0, 0.0, extent) / cells
    scale = torch.where(width * step > smallest, width * step, smallest)
    cell = torch.arange(cells, dtype=centre.dtype, device=centre.device) - (cells - 1) / 2
    pixel = torch.arange(pixels, dtype=centre.dtype, device=centre.device)
    u = (pixel - (centre[:, None] + cell * step[:, None])[:, :, None]) / scale[:, None, None]
    if window == "gaussian":
        return torch.softmax(u.square() * -0.5, dim=-1)
    if window == "box":
        edges = torch.nn.functional.logsigmoid((1 + u) / softness) + torch.nn.functional.logsigmoid((1 - u) / softness)
        return torch.softmax(edges, dim=-1)
    # written so that NaN is inside, and shows.
    outside = u.abs() >= 1
    blank = outside.all(-1, keepdim=True)
    inner = u.masked_fill(outside, 0.0)
    # (1 − u)(1 + u), not 1 − u²: at the edge the square would cost half the digits.
    log_weight = 1 - 1 / ((1 - inner) * (1 + inner))
    # softmax over nothing but -inf is NaN, forward and backward; a blank row is finite here and 0 below.
    return torch.softmax(log_weight.masked_fill(outside & ~blank, -torch.inf), dim=-1).masked_fill(blank, 0.0)
