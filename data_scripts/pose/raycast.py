"""Where rays meet tapered capsules: exact depths, a buffer of the nearest, and the surface's direction.

A tapered capsule is every sphere with its centre ``a + s (b - a)`` and radius ``ra + s (rb - ra)``, s in [0, 1]. A ray from the camera
through a pixel is ``t d`` with ``d = (x, y, 1)``, so that t is the depth. It meets the capsule first where it enters the sphere at an
end, or where ``min_s |t d - a - s b|^2 - (ra + s dr)^2`` turns 0 at an s within [0, 1]: quadratic equations in t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOTHING = -1


@dataclass(frozen=True)
class Buffer:
    """What each ray meets first: ``depth`` float64 [H, W], inf for nothing; ``capsule`` int [H, W], -1 for nothing."""

    depth: np.ndarray
    capsule: np.ndarray


@dataclass(frozen=True)
class Rays:
    """Rays through a grid of pixels: ``x`` [W] and ``y`` [H] of their directions at depth 1, ascending."""

    x: np.ndarray
    y: np.ndarray


def rays_of(camera: np.ndarray, size_px: int, samples: int) -> Rays:
    """Return the rays through ``samples`` by ``samples`` points of every pixel, evenly spread."""
    at = (np.arange(size_px * samples) + 0.5) / samples - 0.5
    return Rays((at - camera[2]) / camera[0], (at - camera[3]) / camera[1])


def extents(ends: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what capsules cover at depth 1, exactly.

    Args:
        ends: float [capsules, 2, 3], metres on the camera's axes; wholly before the camera.
        radii: float [capsules, 2], metres.

    Returns:
        Lowest and highest x and y: float64 [capsules, 2] each.
    """
    # the planes through the camera that touch a sphere.
    along = np.arctan2(ends[..., :2], ends[..., 2:])
    half = np.arcsin(radii[..., None] / np.hypot(ends[..., :2], ends[..., 2:]))
    return np.tan(along - half).min(-2), np.tan(along + half).max(-2)


def cast(rays: Rays, ends: np.ndarray, radii: np.ndarray) -> Buffer:
    """Return what each ray meets first.

    Args:
        rays: the grid.
        ends, radii: as for ``extents``.
    """
    depth = np.full((len(rays.y), len(rays.x)), np.inf)
    capsule = np.full(depth.shape, NOTHING)
    low, high = extents(ends, radii)
    left, right = np.searchsorted(rays.x, low[:, 0]), np.searchsorted(rays.x, high[:, 0])
    top, bottom = np.searchsorted(rays.y, low[:, 1]), np.searchsorted(rays.y, high[:, 1])
    for number in range(len(ends)):
        box = np.s_[top[number] : bottom[number], left[number] : right[number]]
        if depth[box].size == 0:
            continue
        met = entry(rays.x[box[1]], rays.y[box[0]][:, None], ends[number], radii[number])
        nearer = met < depth[box]
        depth[box][nearer] = met[nearer]
        capsule[box][nearer] = number
    return Buffer(depth, capsule)


def entry(x: np.ndarray, y: np.ndarray, ends: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the depth at which rays enter one capsule; NaN where they miss it.

    Args:
        x, y: directions at depth 1; they broadcast.
        ends: float [2, 3].
        radii: float [2].
    """
    a, b = ends[0], ends[1] - ends[0]
    ra, dr = radii[0], radii[1] - radii[0]
    length = x * x + y * y + 1
    da = x * a[0] + y * a[1] + a[2]
    db = x * b[0] + y * b[1] + b[2]
    ab, bb, aa = a @ b, b @ b, a @ a
    with np.errstate(invalid="ignore", divide="ignore"):
        first = (da - np.sqrt(da * da - length * (aa - ra * ra))) / length
        dc = da + db
        second = (dc - np.sqrt(dc * dc - length * (ends[1] @ ends[1] - radii[1] ** 2))) / length
        met = np.fmin(first, second)
        widest = bb - dr * dr
        # one end's sphere holds the other: there is no cone between them.
        if widest <= 0:
            return met
        k = ra * dr - ab
        alpha = widest * length - db * db
        beta = widest * da + db * k
        side = (beta - np.sqrt(beta * beta - alpha * (widest * (aa - ra * ra) - k * k))) / alpha
        s = (side * db + k) / widest
        return np.fmin(met, np.where((s >= 0) & (s <= 1), side, np.nan))


def normals(rays: Rays, buffer: Buffer, ends: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the outward direction of the surface where rays meet something.

    Returns:
        The mask of those rays, bool [H, W], and unit vectors float64 [hits, 3] in its order.
    """
    hit = buffer.capsule != NOTHING
    rows, columns = np.nonzero(hit)
    number, depth = buffer.capsule[hit], buffer.depth[hit]
    points = np.stack([rays.x[columns], rays.y[rows], np.ones(len(rows))], -1) * depth[:, None]
    a, b = ends[:, 0], ends[:, 1] - ends[:, 0]
    dr = radii[:, 1] - radii[:, 0]
    widest = np.maximum((b * b).sum(-1) - dr * dr, 1e-12)
    from_start = points - a[number]
    s = (((from_start * b[number]).sum(-1) + (radii[:, 0] * dr)[number]) / widest[number]).clip(0, 1)
    out = from_start - s[:, None] * b[number]
    return hit, out / np.linalg.norm(out, axis=-1, keepdims=True)
