"""The digits file as a whole, its checks, and what it teaches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from data_scripts.builder import Finding, Progress, Stored
from data_scripts.digits.lesson import Digits, Plain, Transformer, error_percent, trained, weights
from data_scripts.digits.verification import findings
from data_scripts.discovery import builders
from data_scripts.production import read, write


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Stored:
    path = tmp_path_factory.mktemp("digits") / "digits.h5"
    write(builders()["digits"], path, 60, 0, progress)
    return read(path)


def spoilt(stored: Stored, name: str, change: Callable[[np.ndarray], None]) -> Stored:
    array = stored.arrays[name].copy()
    change(array)
    return replace(stored, arrays={**stored.arrays, name: array})


def found(stored: Stored, check: str) -> Finding:
    (one,) = [finding for finding in findings(stored) if finding.check == check]
    return one


def test_checks_pass_on_what_was_built(digits: Stored) -> None:
    assert [finding for finding in findings(digits) if not finding.ok] == []
    assert digits.arrays["RTS/train/img"].shape == (60, 1, 42, 42) and len(digits.arrays["RTS/test/img"]) == 15
    assert "CC-BY-4.0" in digits.attributes[""]["licences"]


def test_samples_can_be_drawn(digits: Stored, tmp_path: Path) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    for path in (first, second):
        builders()["digits"].picture(digits).savefig(path, metadata={"Software": None})
    assert first.read_bytes() == second.read_bytes()


def mix(array: np.ndarray) -> None:
    array[[3, 1700]] = array[[1700, 3]]


def no_nines(array: np.ndarray) -> None:
    array[-359:][array[-359:] == 9] = 8


def copied(array: np.ndarray) -> None:
    array[1790] = array[10]


def favourite(array: np.ndarray) -> None:
    array[:5] = array[5]


def blank(array: np.ndarray) -> None:
    array[7] = 0


def turned(array: np.ndarray) -> None:
    array[3, 0] += 0.3


def swapped(array: np.ndarray) -> None:
    array[:, [2, 3]] = array[:, [3, 2]]


def inverted(array: np.ndarray) -> None:
    array[:] = np.linalg.inv(array)


def halved(array: np.ndarray) -> None:
    array *= 0.5


@pytest.mark.parametrize(
    ("name", "change", "check", "told"),
    [
        ("base/split", mix, "split", r"base/split changes \d times along the file; it must be cut once"),
        ("base/label", no_nines, "split", "a split of base lacks one of the ten digits"),
        ("base/img", copied, "leakage", r"base/img\[1790\] of the test set is 0.00 levels"),
        ("E/train/base", favourite, "balance", "E/train uses one digit 6 times and another 0; they may differ by one"),
        ("RTS/test/img", blank, "ink", r"RTS/test/img\[7\] has ink on 0.00% of the picture"),
        ("R/train/theta", turned, "truth R", r"R/train/img\[3\] is \d+ levels off what base and theta give"),
        ("RTS/train/theta", swapped, "truth RTS", "levels off"),
        ("P/test/matrix", inverted, "truth P", "P/test/img.* levels off"),
        ("E/train/control", halved, "truth E", "levels off"),
        ("TC48/train/theta", swapped, "truth TC48", "levels off"),
    ],
)
def test_a_planted_fault_is_seen(digits: Stored, name: str, change: Callable[[np.ndarray], None], check: str, told: str) -> None:
    assert found(digits, check).ok
    seen = found(spoilt(digits, name, change), check)
    assert not seen.ok and re.search(told, seen.detail), seen.detail


class Blinkered(Transformer):
    """A spatial transformer whose window never moves: what must not pass for one that learnt to look."""

    def window(self, images: torch.Tensor) -> torch.Tensor:
        theta = torch.tensor([[0.8, 0.0, 0.0], [0.0, 0.8, 0.0]]).expand(len(images), 2, 3)
        return F.grid_sample(images, F.affine_grid(theta, [len(images), 1, 28, 28], align_corners=False), align_corners=False)


def test_both_nets_are_about_equally_large_and_one_looks_at_the_middle_first() -> None:
    plain, looking = Plain(42), Transformer(42)
    assert 0.85 < weights(looking) / weights(plain) < 1
    images = torch.rand(2, 1, 42, 42, generator=torch.Generator().manual_seed(0))
    # it starts with the middle .8 of the picture, whatever it sees.
    grid = F.affine_grid(torch.tensor([[0.8, 0.0, 0.0], [0.0, 0.8, 0.0]]).expand(2, 2, 3), [2, 1, 28, 28], align_corners=False)
    assert torch.allclose(looking.eval().window(images), F.grid_sample(images, grid, align_corners=False), atol=1e-5)


def margin(stored: Stored, steps: int, seed: int) -> dict[str, float]:
    train, test = Digits.of(stored, "train"), Digits.of(stored, "test")
    side = train.images.shape[-1]
    nets: dict[str, Callable[[], nn.Module]] = {
        "plain": lambda: Plain(side),
        "looking": lambda: Transformer(side),
        "blinkered": lambda: Blinkered(side),
    }
    return {name: error_percent(trained(make, train, steps, seed, lambda line: None), test) for name, make in nets.items()}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small nets gain nothing from a second thread, and wait for it for minutes where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_net_that_looks_first_beats_one_that_does_not() -> None:
    from data_scripts.digits.assembly import distorted
    from data_scripts.digits.base import base_digits
    from data_scripts.digits.distortion import DISTORTIONS

    (how,) = [how for how in DISTORTIONS if how.name == "RTS"]
    base = base_digits()
    made = {split: distorted(base, how, split, count, 0) for split, count in (("train", 5000), ("test", 600))}
    stored = Stored({f"RTS/{split}/{name}": array for split, arrays in made.items() for name, array in arrays.items()}, {})
    errors = margin(stored, 120, 0)
    assert errors["looking"] < 0.6 * errors["plain"], errors
    assert errors["looking"] < 0.6 * errors["blinkered"], errors
    # far better than guessing, so the control is a fair one.
    assert errors["blinkered"] < 70, errors


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_the_margin_on_the_default_file(tmp_path: Path, progress: Progress) -> None:
    builder = builders()["digits"]
    write(builder, tmp_path / "digits.h5", builder.count, builder.seed, progress)
    stored = read(tmp_path / "digits.h5")
    assert [finding for finding in findings(stored) if not finding.ok] == []
    assert builder.lesson is not None
    figures = builder.lesson(stored, 0, progress)
    assert figures["STN test error %"] < 5 < figures["CNN test error %"] and figures["STN weights"] < figures["CNN weights"]
    assert figures["CNN train error %"] < 1, "a gap in generalisation, not in fitting"
