"""Normalised coordinates (−1 to 1, as ``torch.nn.functional.grid_sample`` reads them) to pixels and back."""

from __future__ import annotations

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, size: tuple[int, int], align_corners: bool) -> Tensor:
    """Convert normalised points to pixel coordinates.

    Points outside −1..1 are converted by the same line, not clamped.

    Shapes: ``...`` any leading axes.

    Args:
        points: floating, ``[..., 2]``, x then y, normalised.
        size: ``(H, W)`` of the image in pixels, both at least 1. Height first, as in a tensor's shape, although points are x first.
        align_corners: what −1 and 1 mean. True: the centres of the first and the last pixel. False: the outer edges of those pixels.

    Returns:
        Pixel coordinates, ``[..., 2]``, x then y, in the points' dtype and on their device. Pixel centres are whole numbers:
        x runs from 0 to W − 1 over the centres and from −0.5 to W − 0.5 over the image.

    Raises:
        TypeError: points that are no floating tensor.
        ValueError: a last axis other than 2, or a size that is no pair of positive whole numbers.

    Convention:
        ``align_corners=True``: ``pixel = (norm + 1) / 2 · (W − 1)``. On an axis of one pixel every point is at pixel 0.
        ``align_corners=False``: ``pixel = ((norm + 1) · W − 1) / 2``.
        Same meaning as in ``torch.nn.functional.grid_sample`` and ``affine_grid``, which default to False; neither is the usual
        ``norm · W``, whose error reaches one pixel.

    Example:
        >>> norm_to_pixel(torch.tensor([-1.0, 1.0]), (4, 10), align_corners=True)
        tensor([0., 3.])
        >>> norm_to_pixel(torch.tensor([-1.0, 1.0]), (4, 10), align_corners=False)
        tensor([-0.5000,  3.5000])
    """
    extent = _extent(points, size)
    if align_corners:
        return (points + 1) / 2 * (extent - 1)
    return ((points + 1) * extent - 1) / 2


def pixel_to_norm(points: Tensor, size: tuple[int, int], align_corners: bool) -> Tensor:
    """Convert pixel coordinates to normalised points; the inverse of ``norm_to_pixel``.

    Shapes: ``...`` any leading axes.

    Args:
        points: floating, ``[..., 2]``, x then y, pixels; pixel centres are whole numbers.
        size: ``(H, W)`` of the image in pixels, both at least 1.
        align_corners: what −1 and 1 mean. True: the centres of the first and the last pixel. False: the outer edges of those pixels.

    Returns:
        Normalised points, ``[..., 2]``, x then y, in the points' dtype and on their device.

    Raises:
        TypeError: points that are no floating tensor.
        ValueError: a last axis other than 2, or a size that is no pair of positive whole numbers.

    Convention:
        ``align_corners=True``: ``norm = 2 · pixel / (W − 1) − 1``. On an axis of one pixel, where −1 and 1 are the same place, every
        point is at 0 and has gradient 0.
        ``align_corners=False``: ``norm = (2 · pixel + 1) / W − 1``.

    Example:
        >>> pixel_to_norm(torch.tensor([0.0, 3.0]), (4, 10), align_corners=True)
        tensor([-1.,  1.])
    """
    extent = _extent(points, size)
    if align_corners:
        # an axis of one pixel has no length to divide by; the factor 0 keeps value and gradient finite.
        spread = (extent > 1).to(points.dtype)
        return spread * (2 * points / (extent - 1).clamp(min=1) - 1)
    return (2 * points + 1) / extent - 1


def _extent(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Return ``[2]``, width then height, after checking both arguments."""
    if not isinstance(points, Tensor) or not points.is_floating_point():
        kind = points.dtype if isinstance(points, Tensor) else type(points).__name__
        raise TypeError(f"points is {kind}; it must be a floating tensor; convert with torch.as_tensor(points, dtype=torch.float32)")
    if points.ndim == 0 or points.shape[-1] != 2:
        raise ValueError(f"points.shape {tuple(points.shape)} must end in 2 (x, y); stack the coordinates along the last axis")
    pair = isinstance(size, (tuple, list)) and len(size) == 2
    if not pair or not all(isinstance(side, int) and side >= 1 for side in size):
        said = tuple(size) if isinstance(size, (tuple, list)) else size
        raise ValueError(f"size {said} must be (H, W), two whole numbers of at least 1; pass image.shape[-2:]")
    height, width = size
    return torch.tensor([width, height], dtype=points.dtype, device=points.device)
