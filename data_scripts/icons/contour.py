"""The rings of an SVG path: its curves as chords, every ring closed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from fontTools.pens.basePen import BasePen
from fontTools.svgLib.path import parse_path

from data_scripts.builder import BuildError

CHORDS_PER_CURVE = 12
_STEPS = np.arange(1, CHORDS_PER_CURVE + 1) / CHORDS_PER_CURVE
# Bernstein weights of a cubic at the ends of its chords.  # [chord, control point]
_CUBIC = np.stack([(1 - _STEPS) ** 3, 3 * (1 - _STEPS) ** 2 * _STEPS, 3 * (1 - _STEPS) * _STEPS**2, _STEPS**3], axis=1)


class ContourError(BuildError):
    """A path that cannot be read."""


class _RingPen(BasePen):
    """Collects rings; BasePen turns quadratic curves into cubics and hands out single segments."""

    def __init__(self) -> None:
        super().__init__(glyphSet=None)
        self.rings: list[np.ndarray] = []
        self._points: list[tuple[float, float]] = []

    def _moveTo(self, point: tuple[float, float]) -> None:
        self._end()
        self._points = [point]

    def _lineTo(self, point: tuple[float, float]) -> None:
        self._points.append(point)

    def _curveToOne(self, first: tuple[float, float], second: tuple[float, float], last: tuple[float, float]) -> None:
        control = np.array([self._points[-1], first, second, last])
        self._points += [tuple(point) for point in (_CUBIC @ control).tolist()]

    def _closePath(self) -> None:
        self._end()

    def _endPath(self) -> None:
        self._end()

    def _end(self) -> None:
        # filling closes an open ring too, so both ends of a path are treated alike.
        if self._points:
            points = np.array(self._points, dtype=np.float64)
            keep = np.any(points != np.roll(points, -1, axis=0), axis=1)
            points = points[keep]
            if len(points) >= 3:
                self.rings.append(points)
        self._points = []


def path_rings(d: str) -> list[np.ndarray]:
    """Return the closed rings of an SVG path.

    Args:
        d: the ``d`` attribute of a ``<path>``: lines, quadratic and cubic curves, arcs.

    Returns:
        A float64 array ``[points, 2]`` per ring, x and y in the units of the path, the first point not repeated at the end. Rings of fewer
        than three different points are left out: they cover nothing.

    Raises:
        ContourError: ``d`` is no SVG path, or holds a number that is not finite.

    Example:
        >>> path_rings("M0 0h4v4H0z")[0].tolist()
        [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]
    """
    pen = _RingPen()
    try:
        parse_path(d, pen)
    except Exception as error:  # fontTools raises whatever its parser trips over: IndexError, ValueError, AttributeError
        raise ContourError(
            f"d {_short(d)} is no SVG path ({type(error).__name__}: {error}); use M, L, H, V, Q, C, S, T, A and Z"
        ) from error
    pen._end()
    if not all(np.isfinite(ring).all() for ring in pen.rings):
        raise ContourError(f"d {_short(d)} must hold finite numbers only; remove the one that overflows")
    return pen.rings


def winding(points: np.ndarray, rings: Sequence[np.ndarray]) -> np.ndarray:
    """Return how often ``rings`` wind round each of ``points``.

    Args:
        points: float64 [n, 2], none of them on a ring.
        rings: closed rings as of :func:`path_rings`.

    Returns:
        int64 [n]: crossings of a ray towards +x, upward ones +1, downward ones -1. The sign follows the orientation; zero is outside.
    """
    total = np.zeros(len(points), dtype=np.int64)
    for ring in rings:
        start, end = ring, np.roll(ring, -1, axis=0)
        above = start[None, :, 1] <= points[:, None, 1]  # [n, edge]
        upward = above & (end[None, :, 1] > points[:, None, 1])
        downward = ~above & (end[None, :, 1] <= points[:, None, 1])
        edge, off = end - start, points[:, None] - start[None]
        side = edge[None, :, 0] * off[..., 1] - edge[None, :, 1] * off[..., 0]
        total += (upward & (side > 0)).sum(axis=1) - (downward & (side < 0)).sum(axis=1)
    return total


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
