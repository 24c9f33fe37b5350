"""One row of ``pose_pairs``: two people side by side, close enough to hide each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_scripts.pose.body import contact_m, draw_build
from data_scripts.pose.example import OVERLAP_MOST_M, TRIES, before_camera, coordinates, draw_points, draw_scene, split_of
from data_scripts.pose.paint import draw_paints
from data_scripts.pose.picture import Figure, render
from data_scripts.pose.view import draw_view

# keeps the stream of draws apart from that of the set of single people.
STREAM = 1
ASIDE_M, NEARER_M = (0.25, 0.9), 0.7


def draw_figures(rng: np.random.Generator) -> list[Figure]:
    """Return two people; the second one stands where it does not run into the first, or as little as eight draws allow."""
    build, view = draw_build(rng), draw_view(rng)
    first = Figure(before_camera(draw_points(rng, build), view), build, draw_paints(rng))
    build = draw_build(rng)
    points, paints = draw_points(rng, build), draw_paints(rng)
    tried: list[tuple[float, int, Figure]] = []
    for _ in range(TRIES):
        aside = rng.uniform(*ASIDE_M) * rng.choice([-1, 1])
        place = view.moved(aside, rng.uniform(-NEARER_M, NEARER_M), rng.uniform(-180, 180))
        second = Figure(before_camera(points, place), build, paints)
        deep = contact_m(first.points, first.build, second.points, second.build)
        tried.append((deep, len(tried), second))
        if deep <= OVERLAP_MOST_M:
            break
    return [first, min(tried, key=lambda one: one[:2])[2]]


def example(seed: int, row: int) -> dict[str, Any]:
    """Return one row of ``pose_pairs``: every dataset's values, in its dtype."""
    rng = np.random.default_rng([seed, row, STREAM])
    figures = draw_figures(rng)
    split = split_of(row)
    scene, ground = draw_scene(rng, split, figures)
    drawn = render(figures, scene)
    return {
        "img": drawn["img"],
        **coordinates(np.stack([figure.joints for figure in figures]), scene.camera),
        "camera": scene.camera.astype(np.float32),
        "visible": drawn["visible"],
        "limb": drawn["limb"],
        "split": np.uint8(split),
        "person": drawn["person"],
        "box": drawn["box"].astype(np.float32),
        "group": np.int32(ground),
        "background": np.int16(ground),
    }
