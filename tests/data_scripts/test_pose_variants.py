"""The sets ``pose_pairs`` and ``pose_sequences``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from data_scripts.builder import Progress, Stored
from data_scripts.discovery import builders
from data_scripts.pose import motion, pair, verification
from data_scripts.pose.articulation import LIMITS
from data_scripts.pose.body import POINTS, Build, contact_m, place
from data_scripts.pose.motion import FRAMES, ease
from data_scripts.production import read, write

PAIRS, SEQUENCES = 50, 25
PLAIN = Build({point.bone: 1.0 for point in POINTS}, 1.0)


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Stored:
    path = tmp_path_factory.mktemp("pairs") / "pose_pairs.h5"
    write(builders()["pose_pairs"], path, PAIRS, 0, progress)
    return read(path)


@pytest.fixture(scope="session")
def sequences(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Stored:
    path = tmp_path_factory.mktemp("sequences") / "pose_sequences.h5"
    write(builders()["pose_sequences"], path, SEQUENCES, 0, progress)
    return read(path)


def spoilt(stored: Stored, **changed: np.ndarray) -> Stored:
    return replace(stored, arrays={**stored.arrays, **changed})


def wrong(found: list[verification.Finding]) -> dict[str, str]:
    return {one.check: one.detail for one in found if not one.ok}


def test_pairs_are_as_they_must_be(pairs: Stored) -> None:
    assert wrong(verification.pair_findings(pairs)) == {}
    arrays = pairs.arrays
    assert arrays["pose_2d"].shape == (PAIRS, 2, 17, 2) and arrays["img"].shape == (PAIRS, 3, 64, 64)
    assert set(np.unique(arrays["person"])) == {0, 1, 2}
    assert ((arrays["person"] > 0) == (arrays["limb"] >= 0)).all()
    # nobody stands in anybody: pelvises keep a body's width.
    assert np.linalg.norm(arrays["root"][:, 0] - arrays["root"][:, 1], axis=-1).min() > 0.2


def test_sequences_are_as_they_must_be(sequences: Stored) -> None:
    assert wrong(verification.sequence_findings(sequences)) == {}
    arrays = sequences.arrays
    assert arrays["img"].shape == (SEQUENCES, FRAMES, 3, 64, 64) and arrays["pose_3d"].shape == (SEQUENCES, FRAMES, 17, 3)
    assert sequences.attributes[""]["frame_rate_hz"] == 10.0
    # the camera stands still, so what nobody walks through stays as it is.
    still = (arrays["limb"] < 0).all(1)
    assert still.mean() > 0.5 and np.ptp(arrays["img"], axis=1).transpose(0, 2, 3, 1)[still].mean() < 2
    assert not np.array_equal(arrays["img"][:, 0], arrays["img"][:, -1])


def many(stored: Stored) -> Stored:
    """Enough rows for shares to be judged."""
    return replace(stored, arrays={name: array.repeat(4, 0) for name, array in stored.arrays.items()})


PAIR_FAULTS: dict[str, Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]] = {
    "boxes": lambda a: {"person": np.where(a["person"] > 0, 3 - a["person"], 0).astype(np.uint8)},
    "limbs": lambda a: {"limb": a["limb"][:, ::-1]},
    "projection": lambda a: {"pose_2d": a["pose_2d"][:, ::-1]},
    "hiding": lambda a: {"box": np.stack([a["box"][:, 0], a["box"][:, 1] + np.float32(100)], 1)},
}


@pytest.mark.parametrize("name", PAIR_FAULTS)
def test_every_check_of_pairs_fails_on_its_fault(pairs: Stored, name: str) -> None:
    fair = many(pairs)
    assert wrong([verification.hiding(fair)]) == {}
    assert name in wrong(verification.pair_findings(spoilt(fair, **PAIR_FAULTS[name](fair.arrays))))


SEQUENCE_FAULTS: dict[str, tuple[str, Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]]] = {
    "shuffled": (
        "the fastest joint moves at",
        lambda a: {"root": a["root"] + np.float32(0.9) * (np.arange(FRAMES) % 2)[:, None].astype(np.float32)},
    ),
    "frozen": (
        "the stillest person's at 0.00",
        lambda a: {"root": a["root"][:, :1].repeat(FRAMES, 1), "pose_3d": a["pose_3d"][:, :1].repeat(FRAMES, 1)},
    ),
    "growing": (
        "a bone changes its length",
        lambda a: {"pose_3d": a["pose_3d"] * np.linspace(1, 1.01, FRAMES, dtype=np.float32)[:, None, None]},
    ),
}


@pytest.mark.parametrize("name", SEQUENCE_FAULTS)
def test_movement_is_told_from_what_is_none(sequences: Stored, name: str) -> None:
    told, spoil = SEQUENCE_FAULTS[name]
    assert told in wrong([verification.movement(spoilt(sequences, **spoil(sequences.arrays)))])["movement"]


@pytest.mark.parametrize("draw", [pair.example, motion.example])
def test_rows_repeat_and_follow_the_seed(draw: Callable[[int, int], dict[str, np.ndarray]]) -> None:
    one, again, other = draw(0, 3), draw(0, 3), draw(1, 3)
    for name, value in one.items():
        np.testing.assert_array_equal(value, again[name])
    assert not np.array_equal(one["pose_3d"], other["pose_3d"])


def test_contact_grows_as_bodies_meet() -> None:
    body = place(np.zeros(len(LIMITS)), PLAIN)
    apart, touching, inside = (contact_m(body, PLAIN, body + np.array([shift, 0, 0]), PLAIN) for shift in (1.5, 0.4, 0.1))
    assert apart == 0 and 0 < touching < inside


def test_a_movement_eases_in_and_out() -> None:
    share = ease(9)
    assert share[0] == 0 and share[4] == 0.5 and share[-1] == 1 and (np.diff(share) > 0).all()
    assert share[1] < 1 / 8


def test_the_sheets_show_both(pairs: Stored, sequences: Stored) -> None:
    assert len(builders()["pose_pairs"].picture(pairs).axes) == 3
    figure = builders()["pose_sequences"].picture(sequences)
    assert len(figure.axes) == 4 and all(len(axes.lines) >= 17 for axes in figure.axes)
