"""The lesson on ``pose``: a net learns a handful of pictures by heart under every head, and nothing from joints of other pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from data_scripts.builder import BuildError, Progress, Stored
from data_scripts.pose import lesson as module
from data_scripts.pose.content import columns
from data_scripts.pose.example import example
from data_scripts.pose.heads import HEADS, Net
from data_scripts.pose.lesson import TRAININGS, Setting, batches, chosen, lesson, scores, trained

HEART = Setting(steps=60, batch=8, augment=False, yaw_most_deg=180)


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


def test_every_head_learns_a_handful_by_heart(handful: Stored, progress: Progress) -> None:
    found = lesson(handful, 0, progress, HEART)
    names = [f"{head} /{stride}" for head, stride in TRAININGS]
    assert {head for head, _ in TRAININGS} == set(HEADS)
    assert [key for key in found if key.endswith(", px") and key.removesuffix(", px") in names] == [f"{name}, px" for name in names]
    for name in names:
        assert found[f"{name}, px"] < 0.6 * found["mean pose, px"], found
        assert found[f"{name}, PCK@.1"] > found["mean pose, PCK@.1"], found
    for stride in (4, 8):
        assert found[f"heat map /{stride}, px"] >= found[f"right cell /{stride}, px"] > 0.3 * stride
        # between cells there is more to read than a cell's number.
        assert found[f"heat map /{stride} refined, px"] < found[f"heat map /{stride}, px"]


def test_joints_of_other_pictures_teach_nothing(handful: Stored, progress: Progress) -> None:
    """Answers that are asked of other pictures than they were learnt from: the net must not seem to know them."""
    pose = handful.arrays["pose_2d"].copy()
    pose[8:] = np.roll(pose[8:], 1, axis=0)
    visible = np.ones_like(handful.arrays["visible"])
    shuffled = replace(handful, arrays={**handful.arrays, "pose_2d": pose, "visible": visible})
    found = lesson(shuffled, 0, progress, replace(HEART, steps=40))
    assert min(found[f"{head} /{stride}, px"] for head, stride in TRAININGS) > 0.9 * found["mean pose, px"]


def test_a_seed_decides_everything(handful: Stored, progress: Progress) -> None:
    short = Setting(steps=2, batch=4, yaw_most_deg=180)

    def weights(seed: int) -> list[torch.Tensor]:
        state = torch.get_rng_state()
        net = trained(handful, "integral", 8, seed, progress, short)
        # nobody else's draws are disturbed.
        assert torch.equal(torch.get_rng_state(), state)
        return list(net.parameters())

    first, again, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(one, two) for one, two in zip(first, again))
    assert not any(torch.equal(one, two) for one, two in zip(first, other) if one.dim() > 1)


def test_nets_train_in_training_mode_and_answer_out_of_it(handful: Stored, progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[bool] = []

    class Watched(Net):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            modes.append(self.training)
            return super().forward(pictures)

    monkeypatch.setattr(module, "Net", Watched)
    net = trained(handful, "direct", 4, 0, progress, Setting(steps=3, batch=4, yaw_most_deg=180))
    assert modes == [True] * 3
    module.answers(net, handful, np.arange(8))
    assert modes[3:] == [False]


def test_batches_show_every_row_before_any_row_again() -> None:
    rows = np.array([3, 5, 8, 13, 21])
    stream = batches(rows, 2, torch.Generator().manual_seed(0))
    seen = np.concatenate([next(stream) for _ in range(10)])
    assert all(sorted(seen[start : start + 5]) == rows.tolist() for start in range(0, 20, 5))
    assert seen[:5].tolist() != seen[5:10].tolist()
    assert len(next(batches(rows, 12, torch.Generator().manual_seed(0)))) == 12


def test_figures_are_those_of_a_case_by_hand() -> None:
    truth = torch.zeros(1, 17, 2)
    truth[0, 1] = torch.tensor([40.0, 20.0])
    guessed = truth.clone()
    guessed[0, 0, 0], guessed[0, 1, 1], guessed[0, 2, 0] = 4.0, 26.0, 1000.0
    seen = torch.zeros(1, 17, dtype=torch.bool)
    seen[0, [0, 1, 3]] = True
    # a tenth of 40 pixels is 4, and counts; what is not seen does not.
    assert scores("x", guessed, truth, seen) == {"x, px": pytest.approx((4 + 6 + 0) / 3), "x, PCK@.1": pytest.approx(2 / 3)}


def test_who_turns_away_is_left_out(handful: Stored, progress: Progress) -> None:
    yaw = np.radians(np.tile(np.array([0, 74, -74, 76, -76, 180, 10, 90], dtype=np.float32), 2))
    turned = replace(handful, arrays={**handful.arrays, "yaw": yaw})
    assert chosen(turned, 0, Setting()).tolist() == [0, 1, 2, 6] and chosen(turned, 2, Setting()).tolist() == [8, 9, 10, 14]
    assert chosen(turned, 0, HEART).tolist() == list(range(8))
    behind = replace(handful, arrays={**handful.arrays, "yaw": np.full(16, np.pi, dtype=np.float32)})
    with pytest.raises(BuildError, match="split 2 of 16 rows must have a person within yaw_most_deg 75; build more with --count"):
        lesson(behind, 0, progress)
