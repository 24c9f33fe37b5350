"""Outlines of drawings: the covered region, and its exterior as 96 vertices from a start that every outline shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry import LinearRing, MultiPolygon, Polygon

from data_scripts.icons.contour import winding

VERTICES = 96
CORNER_DEG = 25.0
# a ring smaller than this share of the drawing's box is a speck left by the arithmetic, or too small to see.
SPECK = 1e-4
# of the box's width: how far from the middle a start still counts as on the mid-line.
MIDLINE_SLACK = 0.01


def region(paths: Sequence[Sequence[np.ndarray]]) -> MultiPolygon:
    """Return what a drawing covers: every path filled by the non-zero rule, then all of them together.

    Args:
        paths: for each ``<path>`` its rings, as of :func:`data_scripts.icons.contour.path_rings`.

    Returns:
        The region, without specks smaller than ``SPECK`` of its box. Empty when the drawing covers nothing.
    """
    faces = [face for rings in paths for face in _filled(rings)]
    whole = shapely.union_all(faces)
    parts = [part for part in shapely.get_parts(whole) if isinstance(part, Polygon) and part.area > 0]
    if not parts:
        return MultiPolygon()
    x0, y0, x1, y1 = shapely.total_bounds(parts)
    least = SPECK * (x1 - x0) * (y1 - y0)
    return MultiPolygon(
        [Polygon(part.exterior, [hole for hole in part.interiors if Polygon(hole).area > least]) for part in parts if part.area > least]
    )


def _filled(rings: Sequence[np.ndarray]) -> list[Polygon]:
    if len(rings) == 1:
        alone = Polygon(rings[0])
        if alone.is_valid:
            return [alone]
    lines = shapely.union_all([LinearRing(ring) for ring in rings])
    faces = [face for face in shapely.get_parts(shapely.polygonize([lines])) if face.area > 0]
    if not faces:
        return []
    inside = shapely.get_coordinates([face.representative_point() for face in faces])
    return [face for face, turns in zip(faces, winding(inside, rings)) if turns != 0]


def silhouette(covered: MultiPolygon) -> MultiPolygon:
    """Return a region with its holes filled; what lay in a hole is swallowed."""
    parts = shapely.get_parts(shapely.union_all([Polygon(part.exterior) for part in covered.geoms]))
    return MultiPolygon([part for part in parts if isinstance(part, Polygon)])


def exterior(covered: MultiPolygon) -> np.ndarray | None:
    """Return the one ring round a region whose holes are filled, or None where several rings remain, or none.

    Returns:
        float64 [points, 2], clockwise on the page (y down), the first point not repeated.
    """
    whole = silhouette(covered)
    if len(whole.geoms) != 1:
        return None
    ring = shapely.get_coordinates(whole.geoms[0].exterior)[:-1]
    # in SVG's y-down axes a positive shoelace sum is clockwise on the page.
    return ring if _twice_area(ring) > 0 else ring[::-1].copy()


def _twice_area(ring: np.ndarray) -> float:
    after = np.roll(ring, -1, axis=0)
    return float((ring[:, 0] * after[:, 1] - after[:, 0] * ring[:, 1]).sum())


def start_on_midline(ring: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """Return the ring begun where it first meets the vertical mid-line of its box, from the top.

    Args:
        ring: float64 [points, 2], y down.
        shift: how far right of the middle the line stands, less than half of the box's width.

    Returns:
        float64 [points or points + 1, 2]: the same ring in the same direction; its first point is the topmost one whose x is the middle of
        the box. Neither shifting nor scaling the ring changes which one that is.
    """
    middle = (ring[:, 0].min() + ring[:, 0].max()) / 2 + shift
    after = np.roll(ring, -1, axis=0)
    left, right = ring[:, 0] - middle, after[:, 0] - middle
    best_y, best_edge, best_share = np.inf, 0, 0.0
    for edge in np.flatnonzero((left <= 0) != (right <= 0)):
        share = left[edge] / (left[edge] - right[edge])
        y = ring[edge, 1] + share * (after[edge, 1] - ring[edge, 1])
        if y < best_y:
            best_y, best_edge, best_share = y, int(edge), float(share)
    if best_share == 0.0:
        return np.roll(ring, -best_edge, axis=0)
    if best_share == 1.0:
        return np.roll(ring, -(best_edge + 1), axis=0)
    first = np.array([[middle, best_y]])
    return np.concatenate([first, np.roll(ring, -(best_edge + 1), axis=0)])


def resampled(ring: np.ndarray, vertices: int = VERTICES) -> np.ndarray:
    """Return ``vertices`` points at equal arc length; then the nearest one moves onto each corner.

    Args:
        ring: float64 [points, 2]; sampling starts at its first point.
        vertices: how many points, at least 3.

    Returns:
        float64 [vertices, 2]. Corners are points where the direction turns by more than ``CORNER_DEG``; where two want the same vertex the
        sharper one gets it.
    """
    closed = np.concatenate([ring, ring[:1]])
    step = np.diff(closed, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    along = np.concatenate([[0.0], np.cumsum(length)])
    at = np.arange(vertices) * (along[-1] / vertices)
    points = np.stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)], axis=1)

    before = np.roll(step, 1, axis=0)
    turn = np.abs(np.degrees(np.arctan2(before[:, 0] * step[:, 1] - before[:, 1] * step[:, 0], (before * step).sum(axis=1))))
    corners = np.flatnonzero(turn > CORNER_DEG)
    # the blunt ones first, so that a sharper one overwrites them; ties by position, for the same answer everywhere.
    for corner in corners[np.lexsort((corners, turn[corners]))]:
        points[int(np.rint(along[corner] / along[-1] * vertices)) % vertices] = ring[corner]
    return points


def outline(covered: MultiPolygon, vertices: int = VERTICES) -> np.ndarray | None:
    """Return a region's outline, or None where it has no single exterior or its vertices cross each other.

    Returns:
        float64 [vertices, 2] in the drawing's own units (y down), clockwise on the page, from the topmost crossing of the mid-line.
    """
    ring = exterior(covered)
    if ring is None:
        return None
    points = resampled(start_on_midline(ring), vertices)
    return points if is_simple(points) else None


def is_simple(points: np.ndarray) -> bool:
    """Return whether no two edges of a closed polygon [n, 2] cross or touch, neighbours apart."""
    return bool(LinearRing(points).is_simple)


def start_gap(points: np.ndarray) -> float:
    """Return how many mean edges lie between an outline's first vertex and the topmost crossing of its mid-line.

    Args:
        points: float64 [n, 2], y down.
    """
    edge = np.roll(points, -1, axis=0) - points
    width = np.ptp(points[:, 0])
    # where an edge runs along the mid-line, the last digit decides which of its ends is met: both are right.
    starts = [start_on_midline(points, shift * MIDLINE_SLACK * width)[0] for shift in (-1, 0, 1)]
    return float(min(np.hypot(*(start - points[0])) for start in starts) / np.hypot(edge[:, 0], edge[:, 1]).mean())
