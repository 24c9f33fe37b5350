"""From normalised coordinates to the pixels that are read: the plain reference of every op that samples an image.

Written for the reader and held against independent oracles; ``vislab.ops.sampling.source_pixel_kernels`` is its twin for kernels, and
neither knows the other.
"""

from __future__ import annotations

import torch
from torch import Tensor

# float32 holds no fraction of a pixel much beyond this, so that a reflected position would be noise.
_REFLECTED_PIXELS_MAX = 2.0**22


def pixel_centres(count: int, align_corners: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the normalised coordinates of ``count`` pixel centres, ``[count]``; a single one is at 0."""
    index = torch.arange(count, dtype=dtype, device=device)
    if not align_corners:
        return (2 * index + 1) / count - 1
    return 2 * index / (count - 1) - 1 if count > 1 else torch.zeros_like(index)


def source_position(norm: Tensor, size: int, padding: str, align_corners: bool) -> Tensor:
    """Find the position along one axis that a normalised coordinate reads from.

    Args:
        norm: floating, any shape, one coordinate; −1 and 1 as ``align_corners`` says.
        size: pixels along that axis, at least 1.
        padding: ``"zeros"``, ``"border"`` or ``"reflection"``.
        align_corners: True: −1 and 1 are the centres of the first and the last pixel. False: their outer edges.

    Returns:
        Pixel positions, same shape. With ``"zeros"`` anything that touches no pixel is at −2; otherwise all lie in [0, size − 1].

    Convention:
        The derivative is 1 inside, 0 where a border was applied, the border itself included, and −1 where an odd number of
        reflections was: PyTorch's own. NaN, and a reflected position beyond 2²² pixels, have no place: −2 under ``"zeros"``, otherwise
        pixel 0; derivative 0.
    """
    extent = size - 1 if align_corners else size
    # on an axis of one pixel whose centre is both ends, every coordinate is that centre, NaN and infinity too.
    pixel = norm * (extent / 2) + (size - 1) / 2 if extent else norm.nan_to_num(0.0, 0.0, 0.0) * 0.0
    if padding == "zeros":
        # written so that NaN is outside. At −1 itself the first pixel has weight 0 but a derivative.
        return torch.where((pixel >= -1) & (pixel < size), pixel, -2.0)
    if padding == "reflection":
        low = 0.0 if align_corners else -0.5
        from_low = torch.where(pixel < low, low - pixel, pixel - low)
        laps = (from_low / max(extent, 1)).detach().floor()
        rest = from_low - laps * extent
        reflected = low + torch.where(laps % 2 == 1, extent - rest, rest)
        pixel = torch.where(pixel.abs() <= _REFLECTED_PIXELS_MAX, reflected, 0.0)
    # where, not clamp: its derivative at the border itself would be 1. NaN is not above 0.
    pixel = torch.where(pixel > 0, pixel, 0.0)
    return torch.where(pixel < size - 1, pixel, float(size - 1))


def read_bilinear(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Weigh the four pixels around each position; pixels beyond the image count as 0.

    Shapes: B batch, C channels, H × W pixels, ``...`` positions of one image.

    Args:
        image: ``[B, C, H, W]``.
        x: positions from ``source_position`` along W, ``[B, ...]``, in the image's dtype.
        y: the same along H.

    Returns:
        ``[B, C, ...]``.

    Convention:
        At a whole position the right and lower neighbours have weight 0 but a derivative: one-sided, from the right.
    """
    height, width = image.shape[-2:]
    batch = torch.arange(image.shape[0], device=image.device).view(-1, *[1] * (x.ndim - 1))
    left, top = x.detach().floor(), y.detach().floor()
    parts = []
    for row, weight_y in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, weight_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            # axes of an index apart come first in the answer: [B, ..., C].
            value = image[batch, :, row.clamp(0, height - 1).long(), column.clamp(0, width - 1).long()].movedim(-1, 1)
            # the pixel is masked, not the weight: a NaN on the border must not reach a position outside.
            parts.append(torch.where(inside[:, None], value, 0.0) * (weight_x * weight_y)[:, None])
    return parts[0] + parts[1] + parts[2] + parts[3]
