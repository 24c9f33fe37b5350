"""PyTorch's ``grid_sample`` for any coordinates: on a CPU it reads beyond the image, and crashes, where one is not a number."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# |normalised coordinate| up to which grid_sample is left to itself; outside of any image, and past any border.
_FAR = 2.0**16
# a reflected position further out than this is pixel 0 to the other formulations as well.
_REFLECTED_PIXELS_MAX = 2.0**22
# in units of half an image: touches no pixel, however few the image has.
_OUTSIDE = -10.0


def safe_grid_sample(image: Tensor, grid: Tensor, padding: str, align_corners: bool, theta: Tensor | None = None) -> Tensor:
    """Sample ``image`` bilinearly at ``grid``, in one dtype and without checks.

    Shapes: B batch, C channels, H × W pixels in, H_out × W_out out.

    Args:
        image: float32 or float64, ``[B, C, H, W]``.
        grid: same dtype, ``[B, H_out, W_out, 2]``, x then y.
        padding: ``"zeros"``, ``"border"`` or ``"reflection"``.
        align_corners: what −1 and 1 mean.
        theta: ``[B, 2, 3]``, where the grid is that of affine maps: it is looked at in the grid's place, which costs nothing.

    Returns:
        ``[B, C, H_out, W_out]``. NaN, and a position that is reflected over more than 2²² pixels, count as outside (``"zeros"``) or as
        pixel 0, with gradient 0.
    """
    height, width = image.shape[-2:]
    # half of what is left to grid_sample: a coordinate is at most √3 times the root of the sum of its row's squares.
    far = min(_FAR, _REFLECTED_PIXELS_MAX / max(height, width)) if padding == "reflection" else _FAR
    if not (_is_tame(grid, far) if theta is None else _is_small(theta, far)):
        grid = _tamed(grid, height, width, padding, align_corners)
    return F.grid_sample(image, grid, mode="bilinear", padding_mode=padding, align_corners=align_corners)


def _is_tame(grid: Tensor, far: float) -> bool:
    """Whether no number exceeds ``far``."""
    if _is_small(grid, far):
        return True
    if not _can_be_looked_at(grid):
        return False
    try:
        low, high = torch.aminmax(grid.detach())
        # written so that NaN fails.
        return -far <= low.item() and high.item() <= far
    except RuntimeError:
        return False


def _is_small(numbers: Tensor, far: float) -> bool:
    """Whether the root of the sum of squares, and so every number, is at most ``far``: NaN and overflow show in it.

    It is the quickest pass there is, and says no to what is merely long.
    """
    if not _can_be_looked_at(numbers):
        return False
    flat = numbers.detach().reshape(-1)
    try:
        return torch.dot(flat, flat).item() <= far * far
    except RuntimeError:
        # a tensor under vmap or a tracer has no value to look at.
        return False


def _can_be_looked_at(numbers: Tensor) -> bool:
    # elsewhere it would wait for the queue, and a compiled graph would break.
    return numbers.device.type == "cpu" and not torch.compiler.is_compiling()


def _tamed(grid: Tensor, height: int, width: int, padding: str, align_corners: bool) -> Tensor:
    """Put a coordinate that has no place where the padding mode says; where() also stops its gradient."""
    if padding == "border":
        # infinities have a place: the last pixel of their side.
        return torch.where(grid.isnan(), _OUTSIDE, grid.clamp(-_FAR, _FAR))
    if padding == "zeros":
        return torch.where(grid.abs() <= _FAR, grid, _OUTSIDE)
    extent = torch.tensor([width - align_corners, height - align_corners], dtype=grid.dtype, device=grid.device)
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=grid.dtype, device=grid.device)
    # −1 is pixel 0 or its outer edge.
    return torch.where((grid * (extent / 2) + middle).abs() <= _REFLECTED_PIXELS_MAX, grid, -1.0)
