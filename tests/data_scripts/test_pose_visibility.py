"""Visibility of the joints of a standing body whose answer can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from data_scripts.pose.articulation import LIMITS
from data_scripts.pose.body import PAINTS, POINTS, Build, place
from data_scripts.pose.picture import SIZE_PX, Figure, Scene, render, sample_pixels
from data_scripts.pose.skeleton import JOINTS
from data_scripts.pose.view import rotation

BUILD = Build({point.bone: 1.0 for point in POINTS}, 1.0)
CAMERA = np.array([105.0, 105.0, 31.5, 31.5])
GREY = np.full((SIZE_PX, SIZE_PX, 3), 90.0)


def standing(yaw_deg: float, aside_m: float = 0.0, depth_m: float = 3.6, **degrees: float) -> Figure:
    angles = np.zeros(len(LIMITS))
    names = [limit.name for limit in LIMITS]
    for side in ("left", "right"):
        angles[names.index(f"{side} shoulder abduction")] = 30
    for name, value in degrees.items():
        angles[names.index(name.replace("_", " "))] = value
    points = place(angles, BUILD) @ rotation(yaw_deg, 0, 0, np.zeros(2)).T + (aside_m, 0.1, depth_m)
    return Figure(points, BUILD, np.full((len(PAINTS), 3), 200.0))


def seen(*figures: Figure, cover: np.ndarray | None = None, camera: np.ndarray = CAMERA) -> list[set[str]]:
    front = None if cover is None else GREY
    drawn = render(list(figures), Scene(camera, np.array([0.0, 0.0, -1.0]), 0.5, GREY, front, cover))
    return [{joint for joint, sight in zip(JOINTS, row) if sight} for row in drawn["visible"]]


def test_from_the_front_everything_is_seen() -> None:
    assert seen(standing(0))[0] == set(JOINTS)


def test_from_behind_all_but_the_nose() -> None:
    assert set(JOINTS) - seen(standing(180))[0] == {"nose"}


@pytest.mark.parametrize(("yaw", "near", "far"), [(90, "right", "left"), (-90, "left", "right")])
def test_from_the_side_the_trunk_hides_the_far_hip_and_not_the_near_one(yaw: float, near: str, far: str) -> None:
    # arms held forward, where they cover nothing else.
    found = seen(standing(yaw, left_shoulder_flexion=70, right_shoulder_flexion=70))[0]
    assert {f"{near} hip", f"{near} shoulder", "pelvis", "nose"} <= found
    assert not {f"{far} hip", f"{far} shoulder"} & found


def test_a_fixed_margin_is_wrong_where_flesh_is_thin() -> None:
    """A wrist close behind a shin: hidden, though well within the margin of .19 m that a hip inside the trunk would need."""
    figure = standing(0)
    wrist, knee, ankle = (figure.joints[JOINTS.index(f"left {name}")] for name in ("wrist", "knee", "ankle"))
    shin = (knee + ankle) / 2
    # moved straight behind the shin, along the ray.
    shift = shin * (1 + 0.09 / shin[2]) - wrist
    points = figure.points.copy()
    for number, point in enumerate(POINTS):
        if point.name in ("left wrist", "left fingers"):
            points[number] += shift
    in_front_m = 0.09 + 0.05
    assert BUILD.flesh_m[JOINTS.index("left wrist")].sum() < in_front_m < 0.19
    assert "left wrist" in seen(figure)[0]
    assert "left wrist" not in seen(Figure(points, BUILD, figure.paints))[0]


def test_what_stands_in_front_hides_what_it_covers() -> None:
    at = sample_pixels()
    y = CAMERA[1] * 0.1 / 3.6 + CAMERA[3]
    cover = np.broadcast_to(at[:, None] > y + 8, (len(at), len(at)))
    hidden = seen(standing(0))[0] - seen(standing(0), cover=cover)[0]
    assert hidden == {f"{side} {joint}" for side in ("left", "right") for joint in ("knee", "ankle")}


def test_what_lies_outside_of_the_image_is_not_seen() -> None:
    camera = CAMERA + np.array([0, 0, 0, 20])
    found = seen(standing(0), camera=camera)[0]
    assert not {"left ankle", "right ankle", "left knee"} & found and "pelvis" in found


def test_another_person_hides_whatever_part_of_theirs_it_is() -> None:
    behind, before = seen(standing(0, depth_m=4.2), standing(0, depth_m=3.4))
    assert before == set(JOINTS)
    assert not {"pelvis", "spine", "thorax", "left hip", "nose"} & behind
    beside, _ = seen(standing(0, depth_m=4.2, aside_m=0.9), standing(0, depth_m=3.4, aside_m=-0.3))
    assert {"pelvis", "spine", "thorax"} <= beside
