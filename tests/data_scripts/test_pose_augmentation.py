"""Augmented pictures still show what their joints say; a forgotten exchange of sides is seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from data_scripts.pose import augmentation
from data_scripts.pose.augmentation import augmented, mirrored, moved
from data_scripts.pose.content import columns
from data_scripts.pose.example import example
from data_scripts.pose.skeleton import MIRROR, PARTS, PARTS_AT, other_side

TWIN_PART = [PARTS.index(other_side(name)) for name in PARTS]


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    return columns([example(0, row) for row in range(24)])


def own_limb_share(rows: dict[str, np.ndarray], steps: tuple[object, ...] = (mirrored, moved), seed: int = 0) -> float:
    """Send the map of limbs through instead of the picture; returns how many visible joints still lie on a part that meets there.

    In a mirror a right hand is a left one: of a mirrored row the map's sides are exchanged, which rows were, the marker in channel 1 tells.
    """
    limb = torch.from_numpy(rows["limb"].astype(np.float32)) + 1
    side = torch.arange(64.0).expand(len(limb), 64, 64)
    maps = torch.stack([limb, side, torch.zeros_like(side)], 1)
    joints, visible = torch.from_numpy(rows["pose_2d"]), torch.from_numpy(rows["visible"])
    generator = torch.Generator().manual_seed(seed)
    for step in steps:
        maps, joints, visible = step(maps, joints, visible, generator)  # type: ignore[operator]
    in_mirror = maps[:, 1, 32, 40] < maps[:, 1, 32, 24]
    right, count = 0, 0
    for row, joint in visible.nonzero().tolist():
        x, y = (joints[row, joint] + 0.5).floor().long().clamp(0, 63).tolist()
        part = round(float(maps[row, 0, y, x])) - 1
        part = TWIN_PART[part] if bool(in_mirror[row]) and part >= 0 else part
        right, count = right + (part in PARTS_AT[joint]), count + 1
    assert count > 200
    return right / count


def nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of parts have no mean: the map is sampled at the nearest pixel."""
    sample = torch.nn.functional.grid_sample
    monkeypatch.setattr(augmentation.F, "grid_sample", lambda pictures, grid, mode, **more: sample(pictures, grid, mode="nearest", **more))


def test_joints_stay_on_their_limbs(rows: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    nearest(monkeypatch)
    # the maps are whole pixels, turned and scaled: a joint near a part's border may lose it.
    assert own_limb_share(rows, (mirrored,)) > 0.97 and own_limb_share(rows) > 0.93


def test_sides_that_are_not_exchanged_are_seen(rows: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    nearest(monkeypatch)
    monkeypatch.setattr(augmentation, "MIRROR", tuple(range(len(MIRROR))))
    assert own_limb_share(rows) < 0.85


def test_joints_that_move_the_other_way_are_seen(rows: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    nearest(monkeypatch)
    there = torch.linalg.inv
    # the picture turned forward where it must be turned back.
    monkeypatch.setattr(augmentation.torch.linalg, "inv", lambda matrix: there(there(matrix)))
    assert own_limb_share(rows) < 0.85


def test_a_mirror_twice_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "MIRRORED_SHARE", 1.0)
    generator = torch.Generator().manual_seed(3)
    before = (torch.rand(2, 3, 64, 64), 64 * torch.rand(2, 17, 2), torch.rand(2, 17) < 0.5)
    once = mirrored(*before, generator)
    twice = mirrored(*once, generator)
    assert torch.equal(twice[0], before[0]) and torch.equal(twice[2], before[2])
    torch.testing.assert_close(twice[1], before[1])
    assert not torch.equal(once[0], before[0])


def test_draws_depend_on_the_generator_alone(rows: dict[str, np.ndarray]) -> None:
    def once(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        given = (torch.from_numpy(rows["img"]).float(), torch.from_numpy(rows["pose_2d"]), torch.from_numpy(rows["visible"]))
        kept = [value.clone() for value in given]
        found = augmented(*given, torch.Generator().manual_seed(seed))
        assert all(torch.equal(value, copy) for value, copy in zip(given, kept))
        return found

    first, again, other = once(0), once(0), once(1)
    assert all(torch.equal(one, two) for one, two in zip(first, again))
    assert not torch.equal(first[0], other[0]) and not torch.equal(first[1], other[1])
    outside = ((first[1] < -0.5) | (first[1] >= 63.5)).any(-1)
    assert bool(outside.any()) and not bool((first[2] & outside).any())
