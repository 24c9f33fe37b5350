"""One row of the set, drawn from the seed and the row's number alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_scripts.pose import photograph
from data_scripts.pose.articulation import draw_angles
from data_scripts.pose.body import Build, draw_build, overlap_m, place
from data_scripts.pose.paint import OCCLUDED_SHARE, draw_cover, draw_light, draw_paints
from data_scripts.pose.picture import SIZE_PX, Figure, Scene, render, sample_pixels
from data_scripts.pose.raycast import extents
from data_scripts.pose.view import View, draw_crop, draw_view, project

TRIES = 8
# deeper than this, flesh does not give way.
OVERLAP_MOST_M = 0.015
_CYCLE = 25
_OF_CYCLE = {4: photograph.TEST, 9: photograph.TEST, 14: photograph.TEST, 19: photograph.TEST, 11: photograph.VAL, 23: photograph.VAL}


def split_of(row: int) -> int:
    """Return the split of a row: of each 25 rows 19 train, 2 validate, 4 test."""
    return _OF_CYCLE.get(row % _CYCLE, photograph.TRAIN)


def draw_points(rng: np.random.Generator, build: Build) -> np.ndarray:
    """Return the points of a body in the first of eight random poses in which nothing lies inside anything else, or in the best of them."""
    points = place(draw_angles(rng, TRIES), build)
    deep = overlap_m(points, build)
    free = np.flatnonzero(deep <= OVERLAP_MOST_M)
    return points[free[0] if free.size else deep.argmin()]


def before_camera(points: np.ndarray, view: View) -> np.ndarray:
    """Return a body's points on the camera's axes."""
    return points @ view.rotation.T + view.root


def draw_scene(rng: np.random.Generator, split: int, figures: list[Figure], known: tuple[int, ...] | None = None) -> tuple[Scene, int]:
    """Draw camera, light, ground and what stands in front; returns the number of the ground's photograph besides.

    Args:
        rng: where draws come from.
        split: whose photographs are taken.
        figures: who stands there.
        known: numbers of other photographs to take.
    """
    bounds = [extents(figure.ends, figure.build.radii_m) for figure in figures]
    low, high = np.concatenate([low for low, _ in bounds]).min(0), np.concatenate([high for _, high in bounds]).max(0)
    camera = draw_crop(rng, low, high, SIZE_PX)
    toward, ambient = draw_light(rng)
    known = known or photograph.OF_SPLIT[split]
    ground = int(rng.choice(known))
    behind = photograph.background(rng, ground, SIZE_PX)
    if rng.random() >= OCCLUDED_SHARE:
        return Scene(camera, toward, ambient, behind), ground
    joints = figures[int(rng.integers(len(figures)))].joints
    about = project(joints[rng.integers(len(joints))], camera)
    cover = draw_cover(rng, about, sample_pixels(), SIZE_PX)
    # another photograph than the ground's, so that there is an edge to see.
    other = int(rng.choice([number for number in known if number != ground]))
    return Scene(camera, toward, ambient, behind, photograph.background(rng, other, SIZE_PX), cover), ground


def example(seed: int, row: int) -> dict[str, Any]:
    """Return one row of ``pose``: every dataset's values, in its dtype."""
    return _row(np.random.default_rng([seed, row]), split_of(row))


def hidden_example(seed: int, row: int) -> dict[str, Any]:
    """Return one row of ``pose_hidden``: a person who stands in no other set, before a photograph that is in no other set."""
    # a stream of its own: with the seed of another set, too, there is nobody who stands there.
    drawn = _row(np.random.default_rng([seed, row, len(photograph.PHOTOGRAPHS)]), photograph.TEST, photograph.OF_HIDDEN)
    # grounds are counted among those that this file names.
    ground = int(drawn["background"]) - photograph.OF_HIDDEN[0]
    return {**drawn, "background": np.int16(ground), "group": np.int32(ground)}


def _row(rng: np.random.Generator, split: int, known: tuple[int, ...] | None = None) -> dict[str, Any]:
    build, view = draw_build(rng), draw_view(rng)
    figure = Figure(before_camera(draw_points(rng, build), view), build, draw_paints(rng))
    scene, ground = draw_scene(rng, split, [figure], known)
    drawn = render([figure], scene)
    return {
        "img": drawn["img"],
        **{name: values[0] for name, values in coordinates(figure.joints[None], scene.camera).items()},
        "camera": scene.camera.astype(np.float32),
        "visible": drawn["visible"][0],
        "limb": drawn["limb"],
        "split": np.uint8(split),
        "box": drawn["box"][0].astype(np.float32),
        "group": np.int32(ground),
        "background": np.int16(ground),
        "yaw": np.float32(np.radians(view.yaw_deg)),
    }


def coordinates(joints: np.ndarray, camera: np.ndarray) -> dict[str, np.ndarray]:
    """Return ``root``, ``pose_3d`` and ``pose_2d`` of joints [..., 17, 3] on the camera's axes, float32, so that they agree as stored."""
    # the root is rounded first, and pixels are projected from rounded joints through the rounded camera.
    root = joints[..., 0, :].astype(np.float32)
    relative = (joints - root[..., None, :]).astype(np.float32)
    relative[..., 0, :] = 0
    space = relative.astype(np.float64) + root[..., None, :].astype(np.float64)
    pixels = project(space, camera.astype(np.float32).astype(np.float64))
    return {"pose_2d": pixels.astype(np.float32), "pose_3d": relative, "root": root}
