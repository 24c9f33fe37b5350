"""Resample images and label maps under per-row affine maps given in pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from vislab.data.constants import constant
from vislab.ops.affine_sample.op import affine_sample


def affine_warp(images: Tensor, forward: Tensor, padding: str = "border") -> Tensor:
    """Move images by affine maps, bilinearly.

    Shapes: B batch, C channels, H height, W width.

    Args:
        images: floating ``[B, C, H, W]``.
        forward: ``[B, 2, 3]``, pixel (x, y) in the source to pixel in the result; invertible.
        padding: ``"zeros"``, ``"border"`` or ``"reflection"``: what lies outside the source.

    Returns:
        ``[B, C, H, W]``: what lay at ``p`` lies at ``forward @ (p, 1)``.

    Convention:
        Pixel centres are whole numbers, as in ``pose_2d``. Label maps go through ``warp_labels``: weights would blend their numbers.
    """
    return affine_sample(images, sampling_theta(forward, (images.shape[2], images.shape[3])), padding=padding)


def warp_labels(labels: Tensor, forward: Tensor, outside: int) -> Tensor:
    """Move maps of labels by affine maps: every pixel takes the label of the nearest source pixel, whatever number that is.

    Shapes: B batch, C channels, H height, W width.

    Args:
        labels: whole numbers or bool, ``[B, C, H, W]``, any strides; any size may be 0.
        forward: floating ``[B, 2, 3]``, pixel (x, y) in the source to pixel in the result; invertible.
        outside: the label of what the source does not show; one that the labels' dtype holds.

    Returns:
        ``[B, C, H, W]`` in the labels' dtype, each number one of the labels given or ``outside``: what lay at ``p`` lies at
        ``forward @ (p, 1)``. A map that is not finite shows ``outside`` alone.

    Raises:
        TypeError: labels that are neither whole numbers nor bool.
        ValueError: shapes that do not fit, or an ``outside`` that the dtype does not hold.

    Convention:
        Pixel centres are whole numbers; a pixel reaches half a pixel to each side, and what lies right between two belongs to the right or
        lower one. ``torch.nn.functional.grid_sample(mode="nearest")`` rounds to even instead, and takes floating images alone: float32
        holds no label above 2²⁴.

    Example:
        >>> labels = torch.tensor([[[[0, 7, 7]]]], dtype=torch.uint8)
        >>> shift = torch.tensor([[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]])
        >>> warp_labels(labels, shift, outside=255)
        tensor([[[[255,   0,   7]]]], dtype=torch.uint8)
    """
    _check_labels(labels, forward, outside)
    height, width = labels.shape[-2:]
    inverse = invert(forward)
    # half a pixel more, so that rounding down finds the nearest centre.
    column = torch.arange(width, dtype=forward.dtype, device=forward.device)
    row = torch.arange(height, dtype=forward.dtype, device=forward.device)[:, None]
    by_column, by_row, shift = inverse[:, :, None, None].unbind(-1)  # each [B, 2, 1, 1]
    source = (by_column * column + by_row * row + (shift + 0.5)).floor()  # [B, 2, H, W]
    x, y = source.unbind(1)
    # written so that NaN is outside.
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    # rows and columns are multiplied as whole numbers: a float32 holds no place in a large map.
    place = torch.where(inside, y, 0.0).long() * width + torch.where(inside, x, 0.0).long()
    taken = labels.flatten(2).gather(2, place.flatten(1)[:, None].expand(-1, labels.shape[1], -1)).view(labels.shape)
    return taken.masked_fill(~inside[:, None], outside)


def sampling_theta(forward: Tensor, size: tuple[int, int]) -> Tensor:
    """The inverse of ``forward`` in −1..1 coordinates (``align_corners=False``), result to source, ``[B, 2, 3]``."""
    height, width = size
    inverse = invert(forward)
    # pixel = (norm * side + side - 1) / 2 on the way in, norm = (2 * pixel + 1) / side - 1 on the way out.
    side = constant((width, height), forward.dtype, forward.device)
    linear = inverse[..., :2] * side / side[:, None]
    middle = (side - 1) / 2
    offset = (2 * (inverse[..., :2] @ middle + inverse[..., 2]) + 1) / side - 1
    return torch.cat([linear, offset[..., None]], -1)


def invert(forward: Tensor) -> Tensor:
    """The inverse of affine maps ``[B, 2, 3]``."""
    a, b, c, d = forward[:, 0, 0], forward[:, 0, 1], forward[:, 1, 0], forward[:, 1, 1]
    linear = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2) / (a * d - b * c)[:, None, None]
    return torch.cat([linear, -(linear @ forward[..., 2:])], -1)


def _check_labels(labels: Tensor, forward: Tensor, outside: int) -> None:
    if labels.is_floating_point() or labels.is_complex():
        raise TypeError(f"labels.dtype {labels.dtype} must be whole numbers or bool; convert with labels.long(), or take affine_warp")
    if labels.ndim != 4:
        raise ValueError(f"labels.shape {tuple(labels.shape)} must be [B, C, H, W]; add the missing axes with labels[:, None]")
    if forward.shape != (labels.shape[0], 2, 3):
        raise ValueError(f"forward.shape {tuple(forward.shape)} must be [{labels.shape[0]}, 2, 3]: one map for each row of labels")
    low, high = (0, 1) if labels.dtype == torch.bool else (torch.iinfo(labels.dtype).min, torch.iinfo(labels.dtype).max)
    if not low <= outside <= high:
        raise ValueError(f"outside {outside} must lie in [{low}, {high}], what labels.dtype {labels.dtype} holds; convert the labels first")
