"""The skeleton's tables, and the chain of rotations that moves it."""

from __future__ import annotations

import numpy as np
import pytest

from data_scripts.pose.articulation import LIMITS, draw_angles, turn
from data_scripts.pose.body import CAPSULES, POINT_NUMBER, POINTS, Build, draw_build, overlap_m, place
from data_scripts.pose.skeleton import JOINTS, MIRROR, PARENTS, PARTS, PARTS_AT, other_side

COLUMN = {limit.name: column for column, limit in enumerate(LIMITS)}
PLAIN = Build({point.bone: 1.0 for point in POINTS}, 1.0)


def posed(**degrees: float) -> dict[str, np.ndarray]:
    angles = np.zeros(len(LIMITS))
    for name, value in degrees.items():
        angles[COLUMN[name.replace("_", " ")]] = value
    return dict(zip(POINT_NUMBER, place(angles, PLAIN)))


def test_joints_are_those_of_human36m() -> None:
    assert len(JOINTS) == 17 and JOINTS[0] == "pelvis" and JOINTS[3] == "right ankle" and JOINTS[13] == "left wrist"
    assert PARENTS == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)


def is_involution(mirror: tuple[int, ...]) -> bool:
    return sorted(mirror) == list(range(len(mirror))) and all(mirror[mirror[joint]] == joint for joint in range(len(mirror)))


def test_mirroring_twice_changes_nothing_and_keeps_the_tree() -> None:
    assert is_involution(MIRROR)
    assert sum(MIRROR[joint] != joint for joint in range(17)) == 12
    assert all(PARENTS[MIRROR[joint]] == MIRROR[PARENTS[joint]] for joint in range(1, 17))
    assert not is_involution((*MIRROR[:16], 14))


def test_a_joint_and_its_twin_meet_twin_parts() -> None:
    for joint in range(17):
        twins = {PARTS.index(other_side(PARTS[part])) for part in PARTS_AT[joint]}
        assert twins == set(PARTS_AT[MIRROR[joint]])
    assert [PARTS[part] for part in PARTS_AT[JOINTS.index("left wrist")]] == ["left forearm", "left hand"]
    assert {capsule.part for capsule in CAPSULES} == set(PARTS)


def test_turn_is_a_rotation_about_each_axis() -> None:
    rng = np.random.default_rng(0)
    found = turn(*rng.uniform(-180, 180, (3, 50)))
    np.testing.assert_allclose(found @ found.swapaxes(-1, -2), np.broadcast_to(np.eye(3), found.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(found), 1, atol=1e-12)
    zero, right = np.array(0.0), np.array(90.0)
    np.testing.assert_allclose(turn(zero, right, zero) @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(turn(zero, zero, right) @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_limbs_bend_the_way_people_do() -> None:
    rest = posed()
    assert rest["left knee"][0] > 0 > rest["right knee"][0]
    assert rest["nose"][2] > rest["crown"][2] and rest["left toe"][2] > rest["left heel"][2]
    assert posed(left_hip_flexion=60)["left knee"][2] > 0.3
    assert posed(left_knee_flexion=60)["left ankle"][2] < -0.3
    assert posed(right_elbow_flexion=90)["right wrist"][2] > 0.2
    assert posed(right_shoulder_abduction=90)["right elbow"][0] < -0.4
    assert posed(left_shoulder_abduction=90)["left elbow"][0] > 0.4
    assert posed(waist_flexion=30)["thorax"][2] > 0.1 and posed(head_flexion=30)["nose"][1] < rest["nose"][1]


def mirrored(angles: np.ndarray) -> np.ndarray:
    found = np.empty_like(angles)
    for name, column in COLUMN.items():
        sign = -1 if name in {f"{part} {kind}" for part in ("waist", "chest", "head") for kind in ("bend", "twist")} else 1
        found[..., COLUMN[other_side(name)]] = sign * angles[..., column]
    return found


def test_mirrored_angles_give_a_mirrored_body() -> None:
    angles = draw_angles(np.random.default_rng(1), 20)
    points, twin = place(angles, PLAIN), place(mirrored(angles), PLAIN)
    order = [POINT_NUMBER[other_side(name)] for name in POINT_NUMBER]
    np.testing.assert_allclose(twin, points[:, order] * (-1, 1, 1), atol=1e-12)
    # without exchanging sides it would not.
    assert np.abs(twin - points * (-1, 1, 1)).max() > 0.1


def test_angles_keep_to_their_limits_and_lean_to_the_mode() -> None:
    angles = draw_angles(np.random.default_rng(2), 4000)
    low, mode, high = (np.array([getattr(limit, part) for limit in LIMITS]) for part in ("low", "mode", "high"))
    assert (angles >= low).all() and (angles <= high).all() and (low <= mode).all() and (mode <= high).all()
    # a triangular distribution's mean is that of its three corners; four standard errors.
    sd = np.sqrt((low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18)
    assert (np.abs(angles.mean(0) - (low + mode + high) / 3) < 5 * sd / np.sqrt(4000)).all()


def test_bones_vary_within_their_jitter_and_are_equal_on_both_sides() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        build = draw_build(rng)
        points = dict(zip(POINT_NUMBER, place(draw_angles(rng, 1)[0], build)))
        thigh = [float(np.linalg.norm(points[f"{side} knee"] - points[f"{side} hip"])) for side in ("left", "right")]
        assert thigh[0] == pytest.approx(thigh[1], abs=1e-12)
        assert 0.43 * 0.93 * 0.95 <= thigh[0] <= 0.43 * 1.07 * 1.05


def test_overlap_is_zero_at_rest_and_deep_with_an_arm_in_the_trunk() -> None:
    angles = np.zeros((2, len(LIMITS)))
    angles[:, [COLUMN["left shoulder abduction"], COLUMN["right shoulder abduction"]]] = 25
    angles[1, COLUMN["left shoulder abduction"]] = -35
    free, deep = overlap_m(place(angles, PLAIN), PLAIN)
    assert free == 0 and deep > 0.05
