"""Sprites, and pictures put together from them: what is in front at each pixel, and the box of each object.

Convention: an object *covers* a pixel where its own coverage is half or more, whatever stands in front of it. Its box is tight around the
pixels that it covers, so the box of a half-hidden object reaches behind the other one. The mask names the object in front among those that
cover a pixel: later objects stand in front of earlier ones, and 0 is the ground.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_scripts.icons.bitmap import Stamp
from data_scripts.scenes.catalogue import Shape

SIDE_PX = 64
SINGLE_PX = 32
SIZES = ("small", "big")
# longest side of a drawing, from and to.
LONGEST_PX = ((14.0, 18.0), (22.0, 28.0))
TILT_DEG_MOST = 10.0
COVERED = 128
_CANVAS_PX = 32


@dataclass(frozen=True)
class Sprite:
    """One object ready to be put down: ``alpha`` uint8 [h, w], nothing but zeros outside of it."""

    alpha: np.ndarray

    def over(self, x: int, y: int, side_px: int) -> np.ndarray:
        """Return its coverage in a picture, uint8 [side, side], its upper left corner at pixel x, y."""
        whole = np.zeros((side_px, side_px), dtype=np.uint8)
        height, width = self.alpha.shape
        whole[y : y + height, x : x + width] = self.alpha
        return whole


class Sprites:
    """Draws sprites; keeps one canvas."""

    def __init__(self) -> None:
        self._stamp = Stamp(_CANVAS_PX)

    def draw(self, shape: Shape, size: int, rng: np.random.Generator) -> Sprite:
        """Return a drawing at a size of its class, tilted by up to 10 degrees, mirrored in one case of two, at a fraction of a pixel.

        Args:
            shape: the drawing.
            size: place in ``SIZES``.
            rng: five numbers are drawn from it.
        """
        part, tilt, mirror, *fraction = rng.random(5)
        low, high = LONGEST_PX[size]
        angle = math.radians(TILT_DEG_MOST * (2 * tilt - 1))
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        if mirror < 0.5:
            turn = np.diag([-1.0, 1.0]) @ turn
        paths = [[ring @ turn for ring in rings] for rings in shape.paths]
        points = np.concatenate([ring for rings in paths for ring in rings])
        first, last = points.min(axis=0), points.max(axis=0)
        scale = (low + (high - low) * part) / (last - first).max()
        # one pixel free on every side: longest 28 px and a fraction fit into 32.
        shift = 1 + np.array(fraction) - first * scale
        alpha = self._stamp.coverage([[ring * scale + shift for ring in rings] for rings in paths])
        rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
        return Sprite(alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def painted(ground: np.ndarray, coverage: Sequence[np.ndarray], shades: Sequence[np.ndarray]) -> np.ndarray:
    """Return the picture: each object mixed over those before it.

    Args:
        ground: uint8 [3].
        coverage: uint8 [S, S] of each object, the hindmost first.
        shades: uint8 [3] of each object.

    Returns:
        uint8 [3, S, S].
    """
    side = coverage[0].shape
    whole = np.broadcast_to(ground.astype(np.uint32)[:, None, None], (3, *side))
    # integers throughout, rounded half up: the same answer on every machine.
    for alpha, colour in zip(coverage, shades):
        cover = alpha.astype(np.uint32)
        whole = (cover * colour.astype(np.uint32)[:, None, None] + (255 - cover) * whole + 127) // 255
    return whole.astype(np.uint8)


def front(coverage: Sequence[np.ndarray]) -> np.ndarray:
    """Return which object is in front at each pixel, uint8 [S, S]: 0 the ground, 1 the first object."""
    mask = np.zeros(coverage[0].shape, dtype=np.uint8)
    for number, alpha in enumerate(coverage, 1):
        mask[alpha >= COVERED] = number
    return mask


def tight_box(covered: np.ndarray) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 around the true pixels, from the picture's outer edge: the first pixel covers 0 to 1.

    Args:
        covered: bool [H, W]; one pixel of it at least is true.
    """
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
