"""Rings of SVG paths."""

from __future__ import annotations

import math

import numpy as np
import pytest

from data_scripts.icons.contour import ContourError, path_rings, winding


def area(ring: np.ndarray) -> float:
    x, y = ring.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def test_lines_absolute_and_relative() -> None:
    for d in ("M1 2h4v3H1z", "m1 2 4 0 0 3-4 0z", "M1,2L5,2L5,5L1,5Z", "M1 2h4v3H1"):
        (ring,) = path_rings(d)
        assert ring.tolist() == [[1, 2], [5, 2], [5, 5], [1, 5]], d


def test_a_circle_of_arcs_has_a_circle_s_area() -> None:
    (ring,) = path_rings("M12 2a10 10 0 1 0 0 20 10 10 0 1 0 0-20z")
    assert abs(area(ring)) == pytest.approx(math.pi * 100, rel=3e-3)
    assert np.abs(np.hypot(*(ring - 12).T) - 10).max() < 0.01


def test_a_quadratic_lies_on_its_parabola() -> None:
    (ring,) = path_rings("M0 0Q1 2 2 0z")
    # x = 2t, y = 4t(1-t), so y = x(2 - x).
    assert np.abs(ring[:, 1] - ring[:, 0] * (2 - ring[:, 0])).max() < 1e-12


def test_rings_that_cover_nothing_are_left_out() -> None:
    assert path_rings("M0 0h4zM1 1z") == []
    assert len(path_rings("M0 0h4zM1 1h1v1z")) == 1


@pytest.mark.parametrize(
    ("d", "told"),
    [("M0 0 L", "is no SVG path"), ("blob", "is no SVG path"), ("M0 0 1e999 3 4 5z", "must hold finite numbers only")],
)
def test_what_is_no_path_is_told(d: str, told: str) -> None:
    with pytest.raises(ContourError, match=told):
        path_rings(d)


def test_winding_counts_turns_of_either_direction() -> None:
    (square,) = path_rings("M0 0h4v4H0z")
    inner = square / 2 + 1
    points = np.array([[0.5, 0.5], [2.0, 2.1], [5.0, 2.0], [-1.0, 2.0], [2.0, 9.0]])
    assert np.abs(winding(points, [square])).tolist() == [1, 1, 0, 0, 0]
    assert np.abs(winding(points, [square, inner])).tolist() == [1, 2, 0, 0, 0]
    assert np.abs(winding(points, [square, inner[::-1]])).tolist() == [1, 0, 0, 0, 0]


def test_winding_agrees_with_the_sum_of_angles() -> None:
    rng = np.random.default_rng(0)
    ring, points = rng.normal(size=(9, 2)), rng.normal(size=(200, 2))
    off = ring[None] - points[:, None]
    after = np.roll(off, -1, axis=1)
    turn = np.arctan2(off[..., 0] * after[..., 1] - off[..., 1] * after[..., 0], (off * after).sum(-1)).sum(1)
    assert winding(points, [ring]).tolist() == np.rint(turn / (2 * np.pi)).astype(int).tolist()
