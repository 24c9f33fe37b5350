"""The lesson on ``pose``: how heads become pixels, and that a net learns a handful of pictures by heart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from data_scripts.builder import Progress, Stored
from data_scripts.pose.content import columns
from data_scripts.pose.example import example
from data_scripts.pose.lesson import HEADS, lesson, to_pixels


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Nets this small lose more by waiting for each other's threads than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def handful() -> Stored:
    """Eight pictures, each once to train on and once to be asked about: what was learnt by heart must come back."""
    arrays = columns([example(0, row) for row in (0, 1, 2, 3, 5, 6, 7, 8)])
    twice = {name: np.concatenate([array, array]) for name, array in arrays.items()}
    twice["split"] = np.repeat(np.array([0, 2], dtype=np.uint8), 8)
    return Stored(twice, {})


def test_one_hot_maps_give_the_centres_of_their_cells() -> None:
    maps = torch.full((1, 17, 32, 32), -50.0)
    maps[0, :, 3, 10] = 50
    for head in ("heat map", "integral"):
        torch.testing.assert_close(to_pixels(maps, head), torch.tensor([20.5, 6.5]).expand(1, 17, 2))
    torch.testing.assert_close(to_pixels(torch.zeros(1, 34), "direct"), torch.full((1, 17, 2), 31.5))
    # a map without an opinion gives the image's centre under the integral.
    torch.testing.assert_close(to_pixels(torch.zeros(1, 17, 32, 32), "integral"), torch.full((1, 17, 2), 31.5))


def test_every_head_learns_a_handful_by_heart(handful: Stored, progress: Progress) -> None:
    found = lesson(handful, 0, progress, steps=90)
    assert list(found) == ["mean pose, px", *(f"{head}, px" for head in HEADS)]
    for head in HEADS:
        assert found[f"{head}, px"] < 0.7 * found["mean pose, px"], found
    again = lesson(handful, 0, progress, steps=2)
    assert again == lesson(handful, 0, progress, steps=2)


def test_joints_of_other_pictures_teach_nothing(handful: Stored, progress: Progress) -> None:
    """Answers that are asked of other pictures than they were learnt from: the net must not seem to know them."""
    pose = handful.arrays["pose_2d"].copy()
    pose[8:] = np.roll(pose[8:], 1, axis=0)
    visible = np.ones_like(handful.arrays["visible"])
    shuffled = replace(handful, arrays={**handful.arrays, "pose_2d": pose, "visible": visible})
    found = lesson(shuffled, 0, progress, steps=40)
    assert min(found[f"{head}, px"] for head in HEADS) > 0.9 * found["mean pose, px"]
