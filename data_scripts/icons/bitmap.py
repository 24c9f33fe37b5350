"""Bitmaps of drawings: coverage without snapping to pixels, and two colours of the drawing's own."""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Sequence
from itertools import count

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

SIZE_PX = 32
LONGEST_PX = 28.0
# the smallest difference in lightness between a drawing and what is behind it, of 255.
CONTRAST = 80


class Stamp:
    """Draws filled rings into a square of pixels, one after the other.

    Convention: pixel (0, 0) covers the square from (0, 0) to (1, 1); its centre is (.5, .5). Rows run downward, as y does in an SVG.
    """

    def __init__(self, size_px: int = SIZE_PX) -> None:
        self._size_px = size_px
        self._agg = RendererAgg(size_px, size_px, 72)
        self._context = self._agg.new_gc()
        self._context.set_antialiased(True)
        self._context.set_linewidth(0)
        # snapping moves whole edges onto pixel borders: crisp for buttons, wrong by half a pixel for us.
        self._context.set_snap(False)
        # the renderer's y points up.
        self._flip = Affine2D.from_values(1, 0, 0, -1, 0, size_px)

    def coverage(self, paths: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """Return how much of each pixel the drawing covers.

        Args:
            paths: for each path its rings, each filled by the non-zero rule, in pixels.

        Returns:
            uint8 [size, size], 0 outside to 255 inside.
        """
        self._agg.clear()
        for rings in paths:
            if rings:
                outline = Path.make_compound_path(*(Path(ring, closed=False) for ring in map(_closed, rings)))
                outline.should_simplify = False
                self._agg.draw_path(self._context, outline, self._flip, (1.0, 1.0, 1.0))
        return np.array(self._agg.buffer_rgba())[:, :, 3]


def _closed(ring: np.ndarray) -> np.ndarray:
    return np.concatenate([ring, ring[:1]])


def framing(box: tuple[float, float, float, float], size_px: int = SIZE_PX, longest_px: float = LONGEST_PX) -> tuple[float, np.ndarray]:
    """Return scale and shift that centre a box in the picture, its longer side ``longest_px`` long.

    Args:
        box: x0, y0, x1, y1 in the drawing's units.

    Returns:
        scale and float64 shift [2]: a point p of the drawing lies at ``p * scale + shift`` pixels.
    """
    x0, y0, x1, y1 = box
    scale = longest_px / max(x1 - x0, y1 - y0)
    return scale, size_px / 2 - scale * np.array([(x0 + x1) / 2, (y0 + y1) / 2])


def colours(name: str) -> np.ndarray:
    """Return a drawing's two colours, from a hash of its name: the drawing's own, and the one behind it.

    Returns:
        uint8 [2, 3], RGB. One of them is light and one dark; their lightness differs by ``CONTRAST`` at least.

    Example:
        >>> colours("material/cat").shape
        (2, 3)
    """
    for attempt in count():
        pair = _drawn(hashlib.sha256(f"{name}/{attempt}".encode()).digest())
        # a saturated blue is darker to the eye than its lightness says, a yellow brighter.
        if abs(np.diff(lightness(pair))[0]) >= CONTRAST:
            return pair
    raise AssertionError("unreachable: a hash in two gives enough contrast")


def _drawn(draw: bytes) -> np.ndarray:
    dark = colorsys.hls_to_rgb(draw[0] / 256, 0.08 + 0.22 * draw[1] / 255, 0.35 + 0.6 * draw[2] / 255)
    light = colorsys.hls_to_rgb(draw[3] / 256, 0.78 + 0.18 * draw[4] / 255, 0.35 + 0.6 * draw[5] / 255)
    pair = np.rint(np.array([dark, light]) * 255).astype(np.uint8)
    return pair if draw[6] % 2 else pair[::-1].copy()


def lightness(rgb: np.ndarray) -> np.ndarray:
    """Return Rec. 601 luma, 0 to 255, of uint8 colours [..., 3]."""
    return rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def painted(alpha: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Return the picture: the drawing's colour where it covers, the other behind, mixed in between.

    Args:
        alpha: uint8 [n, 1, H, W].
        colour: uint8 [n, 2, 3] as of :func:`colours`.

    Returns:
        uint8 [n, 3, H, W].
    """
    # integers throughout, rounded half up: the same answer on every machine.
    cover = alpha.astype(np.uint32)
    front, behind = colour[:, 0, :, None, None].astype(np.uint32), colour[:, 1, :, None, None].astype(np.uint32)
    return ((cover * front + (255 - cover) * behind + 127) // 255).astype(np.uint8)
