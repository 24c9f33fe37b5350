"""The eight colours and their shades, and grounds on which all of them can be seen."""

from __future__ import annotations

import colorsys

import numpy as np

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
# hue in degrees, saturation and value, each from and to: no two colours share a shade, and hues keep 12 degrees between them.
SHADES = {
    "red": ((-6, 6), (0.80, 0.95), (0.75, 0.92)),
    "orange": ((24, 34), (0.85, 1.00), (0.92, 1.00)),
    "yellow": ((50, 58), (0.75, 0.95), (0.90, 1.00)),
    "green": ((105, 145), (0.55, 0.85), (0.50, 0.72)),
    "blue": ((208, 232), (0.70, 0.95), (0.70, 0.95)),
    "purple": ((270, 288), (0.55, 0.80), (0.55, 0.75)),
    "pink": ((322, 342), (0.45, 0.62), (0.95, 1.00)),
    "brown": ((18, 30), (0.60, 0.80), (0.38, 0.52)),
}
# pale or dark, nearly grey: value from and to.
GROUNDS = ((0.86, 0.94), (0.04, 0.14))
GROUND_SATURATION_MOST = 0.06
# of 255, in the channel that differs most.
CONTRAST = 60


def shade(colour: int, rng: np.random.Generator) -> np.ndarray:
    """Return a shade of a colour, uint8 [3] RGB.

    Args:
        colour: place in ``COLOURS``.
        rng: three numbers are drawn from it.
    """
    (h0, h1), (s0, s1), (v0, v1) = SHADES[COLOURS[colour]]
    hue, saturation, value = (low + (high - low) * part for (low, high), part in zip(((h0, h1), (s0, s1), (v0, v1)), rng.random(3)))
    return _rgb(hue, saturation, value)


def ground(rng: np.random.Generator) -> np.ndarray:
    """Return the colour behind everything, uint8 [3] RGB: pale or dark, nearly grey."""
    side, hue, saturation, part = rng.random(4)
    low, high = GROUNDS[int(side < 0.5)]
    return _rgb(360 * hue, GROUND_SATURATION_MOST * saturation, low + (high - low) * part)


def colour_of(rgb: np.ndarray) -> int:
    """Return the place in ``COLOURS`` whose shades come nearest to a colour.

    Args:
        rgb: [3], 0 to 255.

    Example:
        >>> COLOURS[colour_of(np.array([250, 140, 190]))]
        'pink'
    """
    hue, saturation, value = colorsys.rgb_to_hsv(*(np.asarray(rgb, dtype=np.float64) / 255))
    far = []
    for name in COLOURS:
        (h0, h1), *rest = SHADES[name]
        turn = (360 * hue - h0) % 360
        off = 0.0 if turn <= h1 - h0 else min(turn - (h1 - h0), 360 - turn)
        # 30 degrees of hue count as much as all of saturation or value a third of the way.
        far.append(off / 30 + 3 * sum(max(low - have, have - high, 0.0) for (low, high), have in zip(rest, (saturation, value))))
    return int(np.argmin(far))


def _rgb(hue_deg: float, saturation: float, value: float) -> np.ndarray:
    return np.rint(np.array(colorsys.hsv_to_rgb(hue_deg % 360 / 360, saturation, value)) * 255).astype(np.uint8)
