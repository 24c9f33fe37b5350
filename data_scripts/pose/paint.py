"""Colours of a person, light on them, and what stands in front of them."""

from __future__ import annotations

import colorsys

import numpy as np

from data_scripts.pose.body import PAINTS

# from dark to pale, sRGB.
_SKIN = np.array([(80, 52, 40), (124, 82, 60), (168, 116, 86), (205, 152, 118), (232, 190, 160), (244, 213, 190)], dtype=np.float64)
_HAIR = np.array([(28, 24, 22), (64, 42, 30), (112, 74, 42), (170, 128, 74), (150, 150, 150), (140, 60, 34)], dtype=np.float64)
LONG_SLEEVES = 0.5
LONG_LEGS = 0.7
AMBIENT = (0.35, 0.55)
OCCLUDED_SHARE = 0.3


def draw_paints(rng: np.random.Generator) -> np.ndarray:
    """Return a person's colours: float64 [paints, 3], 0 to 255, in the order of ``PAINTS``."""

    def cloth() -> np.ndarray:
        hue, saturation, value = rng.random(), rng.uniform(0.1, 0.9), rng.uniform(0.2, 0.95)
        return 255 * np.array(colorsys.hsv_to_rgb(hue, saturation, value))

    spread = rng.uniform(0.92, 1.06, 2)
    chosen = {"skin": _SKIN[rng.integers(len(_SKIN))] * spread[0], "hair": _HAIR[rng.integers(len(_HAIR))] * spread[1]}
    chosen |= {"shirt": cloth(), "trousers": cloth(), "shoe": cloth()}
    long = rng.random(2)
    chosen["sleeve"] = chosen["shirt"] if long[0] < LONG_SLEEVES else chosen["skin"]
    chosen["leg"] = chosen["trousers"] if long[1] < LONG_LEGS else chosen["skin"]
    return np.stack([chosen[paint] for paint in PAINTS]).clip(0, 255)


def draw_light(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return where light comes from, a unit vector float64 [3] on the camera's axes, and the share of light from everywhere."""
    toward = np.array([rng.uniform(-1, 1), rng.uniform(-1, -0.2), rng.uniform(-1, -0.3)])
    return toward / np.linalg.norm(toward), float(rng.uniform(*AMBIENT))


def lambert(normals: np.ndarray, toward: np.ndarray, ambient: float) -> np.ndarray:
    """Return the share of light that a surface sends back, 0 to 1, for unit normals ``[..., 3]``."""
    return ambient + (1 - ambient) * np.maximum((normals * toward).sum(-1), 0)


def draw_cover(rng: np.random.Generator, about: np.ndarray, rays_px: np.ndarray, size_px: int) -> np.ndarray:
    """Draw the mask of a thing in front of a person: a turned rectangle or an ellipse over one of its joints.

    Args:
        rng: where draws come from.
        about: [2], the joint's pixel.
        rays_px: [S], pixel coordinate of each column, and of each row.
        size_px: side of the image.

    Returns:
        bool [S, S].
    """
    centre = about.clip(0, size_px - 1) + rng.normal(0, 0.06 * size_px, 2)
    angle = rng.uniform(0, np.pi)
    half = rng.uniform(0.08, 0.26, 2) * size_px
    x, y = rays_px[None, :] - centre[0], rays_px[:, None] - centre[1]
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    if rng.random() < 0.5:
        return (along / half[0]) ** 2 + (across / half[1]) ** 2 <= 1
    return (np.abs(along) <= half[0]) & (np.abs(across) <= half[1])
