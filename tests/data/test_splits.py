"""Splits keep identities together; a split by position, the control, does not."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from small_sets import icon_columns, write_digits, write_icons, write_pose

from vislab.data.dataset import open_dataset
from vislab.data.layout import ContentInvalid
from vislab.data.splits import hashed_codes, identities, leaks, split_codes, split_rows

ORIGINAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "ImagerIcon_subset.hdf5"


def by_position(count: int) -> np.ndarray:
    """The fault that is guarded against: the first 80 % train, then val, then test."""
    return np.repeat(np.uint8([0, 1, 2]), [count * 8 // 10, count // 10, count - count * 8 // 10 - count // 10])


def original_with_twins(path: Path, copies: int = 3) -> Path:
    """A file without splits, where each outline comes back in other colours far down the file."""
    columns, _ = icon_columns(60)
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file["polygon"] = np.concatenate([columns["polygon"][:30]] * copies)
        file["img"] = rng.integers(0, 256, (30 * copies, 3, 32, 32), dtype=np.uint8)
    return path


def test_the_files_own_codes_count(tmp_path: Path) -> None:
    icons = open_dataset(write_icons(tmp_path / "icons.h5"))
    codes = icon_columns(24)[0]["split"]
    for code, split in enumerate(("train", "val", "test")):
        assert np.array_equal(split_rows(icons, split), np.flatnonzero(codes == code))
    assert leaks(identities(icons), split_codes(icons)) == []


def test_a_split_by_position_leaks_and_ours_does_not(tmp_path: Path) -> None:
    icons = open_dataset(original_with_twins(tmp_path / "twins.hdf5"))
    identity = identities(icons)
    assert len(set(identity.tolist())) < len(icons)
    assert leaks(identity, by_position(len(icons))) != []
    assert leaks(identity, split_codes(icons)) == []
    assert {len(split_rows(icons, split)) > 0 for split in ("train", "test")} == {True}


def test_an_identity_keeps_its_split_when_rows_move(tmp_path: Path) -> None:
    identity = np.array([f"icon {number}" for number in range(500)], dtype=object)
    codes = hashed_codes(identity)
    order = np.random.default_rng(0).permutation(500)
    assert np.array_equal(hashed_codes(identity[order]), codes[order])
    assert np.array_equal(hashed_codes(identity[:100]), codes[:100])
    assert not np.array_equal(by_position(500)[order], by_position(500))
    assert not np.array_equal(hashed_codes(identity, salt="another"), codes)


def test_fractions_are_reached_on_average() -> None:
    codes = hashed_codes(np.arange(20_000), (0.7, 0.1, 0.2))
    shares = np.bincount(codes, minlength=3) / len(codes)
    # three standard deviations of a share of 20,000 draws.
    assert np.abs(shares - [0.7, 0.1, 0.2]).max() < 0.01
    assert np.all(hashed_codes(np.arange(100), (1.0, 0.0, 0.0)) == 0)


def test_codes_that_leak_are_refused(tmp_path: Path) -> None:
    path = write_icons(tmp_path / "icons.h5")
    with h5py.File(path, "r+") as file:
        file["split"][1] = 2
    with pytest.raises(ContentInvalid, match="group 0 lies in two splits, 1 groups in all"):
        split_rows(open_dataset(path), "train")
    with h5py.File(path, "r+") as file:
        file["split"][1] = 9
    with pytest.raises(ContentInvalid, match="split holds the code 9"):
        split_rows(open_dataset(path), "train")


def test_a_table_named_for_a_split_belongs_to_it(tmp_path: Path) -> None:
    path = write_digits(tmp_path / "digits.h5")
    test = open_dataset(path, "RTS/test")
    assert len(split_rows(test, "test")) == 5 and len(split_rows(test, "train")) == 0
    assert len(split_rows(open_dataset(path, "base"), "train")) == 6
    assert leaks(*[open_dataset(write_pose(tmp_path / "pose.h5"))[name].numpy() for name in ("group", "split")]) == []


def test_wrong_names_and_fractions(tmp_path: Path) -> None:
    icons = open_dataset(write_icons(tmp_path / "icons.h5"))
    with pytest.raises(ValueError, match="split 'training' must be one of train, val, test"):
        split_rows(icons, "training")
    for fractions in ((0.5, 0.5, 0.5), (0.9, 0.1), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)):
        with pytest.raises(ValueError, match="must be three shares of train, val and test that sum to 1"):
            hashed_codes(np.arange(4), fractions)  # type: ignore[arg-type]


@pytest.mark.needs_original
def test_the_original_file_splits_by_outline() -> None:
    icons = open_dataset(ORIGINAL)
    codes = split_codes(icons)
    assert leaks(identities(icons), codes) == []
    assert sorted(np.concatenate([split_rows(icons, split) for split in ("train", "val", "test")]).tolist()) == list(range(44))
