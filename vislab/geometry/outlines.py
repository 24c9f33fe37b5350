"""Where points lie with respect to closed outlines: the signed distance from a polygon, and soft pictures drawn by it."""

from __future__ import annotations

import torch
from torch import Tensor

from vislab.geometry.arguments import refuse_kind, refuse_polygons, refuse_unlike


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


def soft_masks(polygons: Tensor, height: int, width: int, *, extent: float, tau: float) -> Tensor:
    """Draw filled polygons with a soft border: ``sigmoid(−d / τ)`` at every pixel centre, d the signed distance.

    Differentiable once in the polygons. Memory grows with H · W · N for each polygon.

    Shapes: B polygons, N vertices, H height, W width.

    Args:
        polygons: floating, ``[B, 2, N]``, as in ``signed_distance``, in the unit of ``extent``.
        height, width: of the pictures in pixels, at least 1.
        extent: half the side of the square that a picture shows, greater than 0; its middle is the origin.
        tau: width of the border, greater than 0, in the same unit: at this distance outside 0.27 is left.

    Returns:
        ``[B, 1, H, W]``, from 0 to 1 and 0.5 on the outline, in the polygons' dtype and on their device.

    Raises:
        TypeError: polygons that are no floating tensor.
        ValueError: a shape other than these; a height, width, extent or tau that is too small.

    Convention:
        Rows run down while y points up: pixel (i, j) has its centre at x = −s + (j + ½) 2s/W, y = s − (i + ½) 2s/H, with s the extent.

    Example:
        >>> square = torch.tensor([[[-1.0, 1.0, 1.0, -1.0], [0.0, 0.0, 2.0, 2.0]]])
        >>> soft_masks(square, 2, 2, extent=2.0, tau=0.1).round(decimals=2)[0, 0]
        tensor([[0.5000, 0.5000],
                [0.0000, 0.0000]])
    """
    refuse_polygons("polygons", polygons)
    for name, value in (("height", height), ("width", width)):
        if value < 1:
            raise ValueError(f"{name} {value} must be at least 1 pixel")
    for name, length in (("extent", extent), ("tau", tau)):
        # written so that NaN fails.
        if not length > 0:
            raise ValueError(f"{name} {length} must be greater than 0, in the polygons' unit")
    x = ((2 * torch.arange(width, dtype=torch.float64, device="cpu") + 1) / width - 1) * extent
    y = (1 - (2 * torch.arange(height, dtype=torch.float64, device="cpu") + 1) / height) * extent
    centres = torch.stack((x.repeat(height), y.repeat_interleave(width)), dim=1).to(polygons)
    return torch.sigmoid(-signed_distance(centres, polygons) / tau).unflatten(1, (1, height, width))


def _refuse(points: Tensor, polygons: Tensor) -> None:
    refuse_kind("points", points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points.shape {tuple(points.shape)} must be [P, 2], x then y; flatten a raster, and stack x and y last")
    refuse_polygons("polygons", polygons)
    refuse_unlike("polygons", polygons, "points", points)
