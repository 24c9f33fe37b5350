"""Where points lie with respect to closed outlines: the signed distance from a polygon."""

from __future__ import annotations

import torch
from torch import Tensor


def signed_distance(points: Tensor, polygons: Tensor) -> Tensor:
    """Measure how far points are from the outlines of polygons, negative inside.

    Differentiable once in both arguments. Memory grows with P · N for each polygon: hand over large rasters in parts.

    Shapes: P points, B polygons, N vertices.

    Args:
        points: floating, ``[P, 2]``, x then y, in the polygons' unit; P may be 0.
        polygons: floating, ``[B, 2, N]``, row 0 is x, row 1 is y, vertices in sequence, the last one joined to the first; N at least 1, B
            may be 0. They may run either way, cross themselves, and hold vertices that stand twice.

    Returns:
        ``[B, P]``, the distance of every point from the nearest point of every outline, in the dtype and on the device of the arguments.
        0 for a point on the outline, with gradient 0. Where several points of an outline are equally near, the gradient is shared among
        their edges.

    Raises:
        TypeError: an argument that is no floating tensor, or two dtypes.
        ValueError: a shape other than these, or two devices.

    Convention:
        Negative inside, as level sets have it. Inside is told by the even-odd rule: a part of a polygon that is circled twice lies outside.
        Neither the direction of the vertices nor the axes' handedness counts: y may point up or down, but the same way in both arguments.
        Note the axes: points end in (x, y), polygons have x and y as rows.

    Example:
        >>> square = torch.tensor([[[0.0, 2.0, 2.0, 0.0], [0.0, 0.0, 2.0, 2.0]]])
        >>> signed_distance(torch.tensor([[1.0, 1.5], [1.0, 1.0], [5.0, 6.0], [2.0, 1.0]]), square)
        tensor([[-0.5000, -1.0000,  5.0000,  0.0000]])
    """
    _refuse(points, polygons)
    # x and y apart: a table of pairs would have to be summed over an axis of two numbers.
    (left, low), (right, high) = polygons[:, None].unbind(2), polygons.roll(-1, dims=2)[:, None].unbind(2)  # [B, 1, N] each
    wide, tall = right - left, high - low
    x, y = points[:, 0, None] - left, points[:, 1, None] - low  # [B, P, N]
    length = wide * wide + tall * tall
    # an edge of length 0 is its vertex; the denominator is made harmless first, as the gradient sees both branches of a where.
    along = (x * wide + y * tall) / torch.where(length > 0, length, torch.ones_like(length))
    along = along.clamp(0, 1)
    squared = ((x - along * wide) ** 2 + (y - along * tall) ** 2).amin(dim=2)
    away = squared > 0
    # the root's slope is infinite at 0, and times 0 that is NaN.
    distance = torch.where(away, squared, torch.ones_like(squared)).sqrt() * away
    # an edge owns its lower end: a ray through a vertex crosses one of the two edges there, or both, or none.
    height = points[:, 1, None]
    spans = (height < low) != (height < high)
    crossed = spans & ((x * tall < y * wide) == (tall > 0))
    return torch.where(away & (crossed.sum(dim=2) % 2 == 1), -distance, distance)


def _refuse(points: Tensor, polygons: Tensor) -> None:
    for name, value in (("points", points), ("polygons", polygons)):
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"{name} is {kind}; it must be a floating tensor; convert with torch.as_tensor({name}, dtype=torch.float32)")
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points.shape {tuple(points.shape)} must be [P, 2], x then y; flatten a raster, and stack x and y last")
    if polygons.ndim != 3 or polygons.shape[1] != 2 or polygons.shape[2] == 0:
        raise ValueError(f"polygons.shape {tuple(polygons.shape)} must be [B, 2, N] with N at least 1; give one polygon as polygon[None]")
    if points.dtype != polygons.dtype:
        raise TypeError(f"polygons.dtype {polygons.dtype} must equal points.dtype {points.dtype}; convert with polygons.to(points.dtype)")
    if points.device != polygons.device:
        raise ValueError(f"polygons.device {polygons.device} must equal points.device {points.device}; use polygons.to(points.device)")
