"""Where the camera stands: how a body is turned and placed before it, and the crop around it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data_scripts.pose.articulation import turn

YAW_DEG = 180.0
ELEVATION_DEG = (-10.0, 25.0)
ROLL_DEG = 12.0
LEAN_DEG = 8.0
DISTANCE_M = (2.5, 5.0)
OFF_AXIS = 0.12
FILL = (0.62, 0.92)
CLOSE_FILL = (1.0, 1.35)
CLOSE_SHARE = 0.12


@dataclass(frozen=True)
class View:
    """How one body stands before a camera.

    Args:
        yaw_deg: turn of the body about the vertical, in [-180, 180]: 0 faces the camera, positive shows its right side.
        elevation_deg: how far the camera looks down.
        roll_deg: turn of the image, clockwise.
        lean_deg: [2], lean of the whole body forward and to its left.
        root: the pelvis from the camera's centre, metres, float64 [3].
    """

    yaw_deg: float
    elevation_deg: float
    roll_deg: float
    lean_deg: np.ndarray
    root: np.ndarray

    @property
    def rotation(self) -> np.ndarray:
        """From the body's axes to the camera's, float64 [3, 3]."""
        return rotation(self.yaw_deg, self.elevation_deg, self.roll_deg, self.lean_deg)

    def moved(self, aside_m: float, nearer_m: float, turned_deg: float) -> View:
        """Return the view of the same body elsewhere at the same height: to the image's right, toward the camera, turned further."""
        shift = rotation(0, self.elevation_deg, self.roll_deg, np.zeros(2)) @ np.array([aside_m, 0.0, nearer_m])
        yaw = (self.yaw_deg + turned_deg + 180) % 360 - 180
        return replace(self, yaw_deg=yaw, root=self.root + shift)


def draw_view(rng: np.random.Generator) -> View:
    """Draw a stance: any yaw, elevation -10 to 25 degrees, roll within 12, distance 2.5 to 5 m."""
    yaw = rng.uniform(-YAW_DEG, YAW_DEG)
    elevation = rng.uniform(*ELEVATION_DEG)
    roll = rng.uniform(-ROLL_DEG, ROLL_DEG)
    lean = rng.triangular(-LEAN_DEG, 0, LEAN_DEG, 2)
    distance = rng.uniform(*DISTANCE_M)
    aside = rng.uniform(-OFF_AXIS, OFF_AXIS, 2)
    return View(yaw, elevation, roll, lean, np.array([aside[0] * distance, aside[1] * distance, distance]))


def rotation(yaw_deg: float, elevation_deg: float, roll_deg: float, lean_deg: np.ndarray) -> np.ndarray:
    """Return the rotation from the body's axes (x its left, y up, z forward) to the camera's (x right, y down, z away).

    Args:
        yaw_deg: turn of the body about the vertical; 0 faces the camera.
        elevation_deg: how far the camera looks down on it.
        roll_deg: turn of the image, clockwise.
        lean_deg: [2], lean of the whole body forward and to its left.
    """

    def one(x: float, y: float, z: float) -> np.ndarray:
        return turn(np.array(x), np.array(y), np.array(z))

    face_to_face = np.diag([1.0, -1.0, -1.0])
    return (
        one(0, 0, roll_deg) @ one(elevation_deg, 0, 0) @ face_to_face @ one(0, yaw_deg, 0) @ one(float(lean_deg[0]), 0, -float(lean_deg[1]))
    )


def draw_crop(rng: np.random.Generator, low: np.ndarray, high: np.ndarray, size_px: int) -> np.ndarray:
    """Draw the crop around what is to be seen: it fills 62 to 92 % of the image, or in one of eight reaches beyond it.

    Args:
        rng: where draws come from.
        low, high: [2], the extent of what is to be seen at focal length 1 and principal point 0.
        size_px: side of the image.

    Returns:
        Camera float64 [4]: fx, fy, cx, cy in pixels; pixel centres are whole numbers.
    """
    close = rng.random() < CLOSE_SHARE
    fill = rng.uniform(*(CLOSE_FILL if close else FILL))
    focal = fill * size_px / float((high - low).max())
    seen = focal * (high - low)
    # the margin that is left, or the excess, is shared out at random; the image runs from -0.5 to size - 0.5.
    corner = rng.uniform(0, 1, 2) * (size_px - seen) - 0.5
    principal = corner - focal * low
    return np.array([focal, focal, principal[0], principal[1]])


def project(points: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Return the pixels of points ``[..., 3]`` on the camera's axes: float64 ``[..., 2]``, x then y."""
    return camera[:2] * points[..., :2] / points[..., 2:] + camera[2:]
