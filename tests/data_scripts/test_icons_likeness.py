"""Likeness, groups, near-duplicates."""

from __future__ import annotations

import numpy as np
import pytest

from data_scripts.icons import likeness as module
from data_scripts.icons.likeness import alike, components, leaders, levels, likeness, nearest


@pytest.fixture
def pictures() -> np.ndarray:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (10, 8, 8))
    noisy = [np.clip(base[n % 10] + rng.integers(-40, 41, (8, 8)) * (n > 9), 0, 255) for n in range(50)]
    noisy[31] = noisy[3]
    return levels(np.array(noisy, dtype=np.uint8))


def test_levels_are_whole_numbers_up_to_fifteen() -> None:
    got = levels(np.arange(256, dtype=np.uint8).reshape(1, 16, 16))
    assert got.dtype == np.float32 and sorted(set(got.ravel().tolist())) == list(range(16))
    assert got[0, 0] == 0 and got[0, 255] == 15


def test_likeness_is_intersection_over_union_in_black_and_white() -> None:
    rng = np.random.default_rng(1)
    first, second = (rng.random((n, 30)) < 0.4 for n in (4, 7))
    got = likeness(first.astype(np.float32), second.astype(np.float32))
    for i, j in np.ndindex(got.shape):
        assert got[i, j] == pytest.approx((first[i] & second[j]).sum() / (first[i] | second[j]).sum())


def test_only_equal_pictures_are_wholly_alike(pictures: np.ndarray) -> None:
    table = likeness(pictures, pictures)
    equal = (pictures[:, None] == pictures[None]).all(-1)
    assert np.array_equal(table == 1, equal)
    blank = np.zeros((2, 5), dtype=np.float32)
    assert likeness(blank, blank).tolist() == [[1, 1], [1, 1]]
    assert likeness(blank, blank + 3).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("least", [0.5, 0.9, 0.97, 1.0])
def test_alike_finds_what_a_double_loop_finds(pictures: np.ndarray, least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 7)
    got = {(min(i, j), max(i, j)) for block in alike(pictures, least) for i, j in zip(block[0].tolist(), block[1].tolist())}
    table = likeness(pictures, pictures)
    assert got == {(i, j) for i in range(50) for j in range(i + 1, 50) if table[i, j] >= least}
    assert got


def test_components_follow_chains() -> None:
    pairs = [(np.array([4, 2]), np.array([2, 1]))]
    assert components(6, pairs).tolist() == [0, 1, 1, 2, 1, 3]
    assert components(3, []).tolist() == [0, 1, 2]


def test_leaders_keep_the_far_end_of_a_chain() -> None:
    assert leaders(4, [(np.array([1, 2]), np.array([0, 1]))]).tolist() == [True, False, True, True]
    assert leaders(2, []).tolist() == [True, True]


def test_nearest_looks_into_other_splits_alone(pictures: np.ndarray) -> None:
    split = np.arange(50) % 3
    got = nearest(pictures, split)
    table = likeness(pictures, pictures)
    for row in range(50):
        assert got[row] == table[row][split != split[row]].max()
    assert nearest(pictures, np.zeros(50, dtype=np.uint8)).max() == 0
