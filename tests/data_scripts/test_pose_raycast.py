"""Rays and tapered capsules, against a search along each ray that knows no formula."""

from __future__ import annotations

import numpy as np

from data_scripts.pose.raycast import NOTHING, Rays, cast, entry, extents, normals, rays_of

CASES = {
    "slim": ([[-0.3, -0.2, 3.0], [0.3, 0.25, 3.4]], [0.1, 0.05]),
    "toward the camera": ([[0.02, 0.0, 2.0], [0.05, 0.03, 3.5]], [0.06, 0.15]),
    "away from the camera": ([[0.05, 0.03, 2.2], [0.02, 0.0, 3.5]], [0.15, 0.06]),
    "ball": ([[0.1, 0.0, 3.0], [0.1, 0.0, 3.0]], [0.2, 0.2]),
    "one end inside the other": ([[0.0, 0.1, 3.0], [0.03, 0.1, 3.0]], [0.2, 0.05]),
    "cylinder": ([[-0.2, 0.0, 3.0], [0.2, 0.0, 3.0]], [0.1, 0.1]),
}


def distance(points: np.ndarray, ends: np.ndarray, radii: np.ndarray, count: int = 801) -> np.ndarray:
    """How far points lie outside of the union of very many spheres."""
    share = np.linspace(0, 1, count)[:, None]
    centres, sizes = ends[0] + share * (ends[1] - ends[0]), radii[0] + share[:, 0] * (radii[1] - radii[0])
    return (np.linalg.norm(points[..., None, :] - centres, axis=-1) - sizes).min(-1)


def marched(x: float, y: float, ends: np.ndarray, radii: np.ndarray) -> float:
    """First depth at which a ray touches it, by steps as long as the distance; NaN after passing it."""
    along, t = np.array([x, y, 1.0]), 0.5
    for _ in range(400):
        gap = float(distance(t * along, ends, radii))
        if gap < 1e-6:
            return t
        t += gap / np.linalg.norm(along)
        if t > 6:
            break
    return float("nan")


def errors(found: np.ndarray, x: np.ndarray, y: np.ndarray, ends: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Depth errors where both hit; infinite where only one does, unless the ray grazes."""
    expected = np.array([marched(float(a), float(b), ends, radii) for a, b in zip(x, y)])
    off = np.abs(found - expected)
    grazing = np.isnan(found) != np.isnan(expected)
    return np.where(np.isnan(found) & np.isnan(expected), 0, np.where(grazing, np.inf, off))


def test_entry_is_where_marching_stops() -> None:
    rng = np.random.default_rng(0)
    for name, (ends_list, radii_list) in CASES.items():
        ends, radii = np.array(ends_list), np.array(radii_list)
        low, high = extents(ends[None], radii[None])
        x, y = rng.uniform(low[0, :, None] - 0.01, high[0, :, None] + 0.01, (2, 40))
        off = errors(entry(x, y, ends, radii), x, y, ends, radii)
        # grazing rays stop within the tolerance of the march, or pass.
        assert (off > 2e-3).mean() <= 0.05, (name, off.max())
        assert np.isfinite(entry(x, y, ends, radii)).sum() >= 8, name


def test_two_balls_without_the_cone_between_them_would_be_seen() -> None:
    ends, radii = (np.array(part) for part in CASES["slim"])
    x, y = np.zeros(1), np.array([0.01])
    assert np.isfinite(entry(x, y, ends, radii))[0] and errors(entry(x, y, ends, radii), x, y, ends, radii)[0] < 1e-4
    balls = [entry(x, y, np.stack([end, end]), np.array([radius, radius]))[0] for end, radius in zip(ends, radii)]
    assert np.isnan(balls).all()


def test_extents_hold_every_hit_and_are_tight() -> None:
    grid = np.linspace(-0.4, 0.4, 1601)
    for ends, radii in ((np.array(a)[None], np.array(b)[None]) for a, b in CASES.values()):
        hit = np.isfinite(entry(grid[None], grid[:, None], ends[0], radii[0]))
        rows, columns = np.nonzero(hit)
        low, high = extents(ends, radii)
        seen = np.array([grid[columns.min()], grid[rows.min()], grid[columns.max()], grid[rows.max()]])
        np.testing.assert_allclose(seen, np.concatenate([low[0], high[0]]), atol=1e-3)


def test_the_nearest_of_two_wins_and_normals_point_out() -> None:
    ends = np.array([[[-0.3, 0.0, 3.0], [0.3, 0.0, 3.0]], [[0.0, -0.3, 2.8], [0.0, 0.3, 2.8]]])
    radii = np.full((2, 2), 0.08)
    rays = Rays(np.linspace(-0.15, 0.15, 61), np.linspace(-0.15, 0.15, 61))
    for order in ([0, 1], [1, 0]):
        buffer = cast(rays, ends[order], radii)
        assert order[buffer.capsule[30, 30]] == 1 and buffer.capsule[0, 0] == NOTHING and np.isinf(buffer.depth[0, 0])
        hit, facing = normals(rays, buffer, ends[order], radii)
        np.testing.assert_allclose(np.linalg.norm(facing, axis=-1), 1, atol=1e-12)
        directions = np.stack([*np.broadcast_arrays(rays.x[None], rays.y[:, None]), np.ones((61, 61))], -1)[hit]
        assert ((facing * directions).sum(-1) < 1e-9).all()
        np.testing.assert_allclose(facing[np.flatnonzero(hit.reshape(-1)).searchsorted(30 * 61 + 30)], [0, 0, -1], atol=1e-9)


def test_rays_go_through_samples_about_whole_pixel_centres() -> None:
    rays = rays_of(np.array([10.0, 20.0, 1.0, 2.0]), 4, 2)
    np.testing.assert_allclose(rays.x * 10 + 1, [-0.25, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25])
    np.testing.assert_allclose(rays.y * 20 + 2, rays.x * 10 + 1)
