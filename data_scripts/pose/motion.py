"""One row of ``pose_sequences``: a person who changes its pose, glides over the floor and turns, before a camera that stands still."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_scripts.pose.articulation import draw_angles
from data_scripts.pose.body import draw_build, overlap_m, place
from data_scripts.pose.example import OVERLAP_MOST_M, TRIES, before_camera, coordinates, draw_scene, split_of
from data_scripts.pose.paint import draw_paints
from data_scripts.pose.picture import Figure, render
from data_scripts.pose.view import draw_view

STREAM = 2
FRAMES = 8
FRAME_RATE_HZ = 10.0
# the share of the way to a second, independent pose: all of it would be a frantic gesture in so short a time.
REACH = 0.6
SPEED_M_S = 0.8
TURN_DEG_S = 60.0


def ease(frames: int) -> np.ndarray:
    """Return the share of a movement done at each frame: from 0 to 1, at rest at both ends, float64 [frames]."""
    share = np.linspace(0, 1, frames)
    return share**2 * (3 - 2 * share)


def draw_motion(rng: np.random.Generator) -> list[Figure]:
    """Return the frames of one movement, the first of eight in which no limb runs into another, or the best of them."""
    build, view, paints = draw_build(rng), draw_view(rng), draw_paints(rng)
    start, end = draw_angles(rng, TRIES), draw_angles(rng, TRIES)
    angles = start[:, None] + REACH * ease(FRAMES)[:, None] * (end - start)[:, None]
    points = place(angles, build)
    deep = overlap_m(points, build).max(1)
    free = np.flatnonzero(deep <= OVERLAP_MOST_M)
    chosen = points[free[0] if free.size else deep.argmin()]
    speed, turning = rng.uniform(-SPEED_M_S, SPEED_M_S, 2), rng.uniform(-TURN_DEG_S, TURN_DEG_S)
    times_s = np.arange(FRAMES) / FRAME_RATE_HZ
    return [
        Figure(before_camera(body, view.moved(speed[0] * time_s, speed[1] * time_s, turning * time_s)), build, paints)
        for body, time_s in zip(chosen, times_s)
    ]


def example(seed: int, row: int) -> dict[str, Any]:
    """Return one row of ``pose_sequences``: every dataset's values, in its dtype."""
    rng = np.random.default_rng([seed, row, STREAM])
    figures = draw_motion(rng)
    split = split_of(row)
    scene, ground = draw_scene(rng, split, figures)
    drawn = [render([figure], scene) for figure in figures]
    return {
        "img": np.stack([frame["img"] for frame in drawn]),
        **coordinates(np.stack([figure.joints for figure in figures]), scene.camera),
        "camera": scene.camera.astype(np.float32),
        "visible": np.stack([frame["visible"][0] for frame in drawn]),
        "limb": np.stack([frame["limb"] for frame in drawn]),
        "split": np.uint8(split),
        "box": np.stack([frame["box"][0] for frame in drawn]).astype(np.float32),
        "group": np.int32(ground),
        "background": np.int16(ground),
        "sequence": np.int32(row),
    }
