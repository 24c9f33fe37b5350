"""What drawings cover, and their outlines."""

from __future__ import annotations

import math

import numpy as np
import pytest
from shapely.geometry import MultiPolygon, Polygon

from data_scripts.icons.contour import path_rings
from data_scripts.icons.outline import VERTICES, exterior, is_simple, outline, region, resampled, silhouette, start_gap, start_on_midline

SQUARE, DISC = "M3 3h18v18H3z", "M12 2a10 10 0 1 0 0 20 10 10 0 1 0 0-20z"


def covered(*paths: str) -> MultiPolygon:
    return region([path_rings(d) for d in paths])


def test_a_star_is_filled_in_its_middle() -> None:
    # even-odd filling would leave the pentagon out.
    points = [(12 + 10 * math.sin(k * 4 * math.pi / 5), 12 - 10 * math.cos(k * 4 * math.pi / 5)) for k in range(5)]
    star = covered("M" + "L".join(f"{x} {y}" for x, y in points) + "z")
    inner = 10 * math.cos(2 * math.pi / 5) / math.cos(math.pi / 5)
    whole = 5 * 10 * inner * math.sin(math.pi / 5)
    assert star.area == pytest.approx(whole, rel=1e-9)
    pentagon = 2.5 * inner**2 * math.sin(2 * math.pi / 5)
    assert star.area - (whole - pentagon) > 30


def test_orientation_decides_whether_an_inner_ring_is_a_hole() -> None:
    assert covered("M0 0h10v10H0zM2 2v6h6V2z").area == pytest.approx(100 - 36)
    assert covered("M0 0h10v10H0zM2 2h6v6H2z").area == pytest.approx(100)
    # another path is filled by itself, and never cuts.
    assert covered("M0 0h10v10H0z", "M2 2v6h6V2z").area == pytest.approx(100)


def test_specks_are_ignored() -> None:
    speck = covered("M0 0h10v10H0z", "M20 0h.05v.05h-.05z")
    assert len(speck.geoms) == 1
    assert len(covered("M0 0h10v10H0z", "M20 0h1v1h-1z").geoms) == 2


def test_nothing_is_covered_by_nothing() -> None:
    assert covered("M0 0h4z").is_empty
    assert outline(covered("M0 0h4z")) is None


def test_holes_are_filled_and_swallow_what_lies_in_them() -> None:
    ring = covered("M0 0h10v10H0zM2 2v6h6V2z", "M4 4h1v1H4z")
    assert len(ring.geoms) == 2
    assert silhouette(ring).area == pytest.approx(100)
    assert exterior(ring) is not None


def test_two_parts_have_no_single_outline() -> None:
    assert outline(covered("M0 0h4v4H0z", "M8 0h4v4H8z")) is None


@pytest.mark.parametrize("d", [SQUARE, DISC, "M3 3v18h18V3z"])
def test_outlines_run_clockwise_on_the_page(d: str) -> None:
    points = outline(covered(d))
    assert points is not None and points.shape == (VERTICES, 2)
    x, y = points.T
    # y down: a positive shoelace sum is clockwise to the eye.
    assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0


def test_the_start_is_the_topmost_point_of_the_mid_line() -> None:
    points = outline(covered(DISC))
    assert points is not None
    assert points[0] == pytest.approx([12, 2], abs=1e-9)
    # a U: the mid-line meets the bottom of the notch first.
    u = outline(covered("M2 2h6v12h8V2h6v20H2z"))
    assert u is not None and u[0] == pytest.approx([12, 14], abs=1e-9)


def test_the_start_does_not_depend_on_place_size_or_first_point() -> None:
    (ring,) = path_rings("M4 20Q4 4 20 4 20 20 4 20z")
    expected = start_on_midline(ring)[0]
    for shift in (0, 5, 17):
        assert start_on_midline(np.roll(ring, shift, axis=0))[0] == pytest.approx(expected, abs=1e-9)
    assert start_on_midline(ring * 3 + [7, -2])[0] == pytest.approx(expected * 3 + [7, -2], abs=1e-9)


def test_start_gap_sees_a_shifted_start() -> None:
    points = outline(covered(DISC))
    assert points is not None
    assert start_gap(points) < 0.1
    assert start_gap(np.roll(points, 5, axis=0)) > 4


def test_vertices_are_equally_spaced_where_there_is_no_corner() -> None:
    points = outline(covered(DISC))
    assert points is not None
    edge = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    assert edge.std() / edge.mean() < 2e-3


def test_a_vertex_sits_on_every_corner() -> None:
    for d, corners in (
        (SQUARE, [[3, 3], [21, 3], [21, 21], [3, 21]]),
        ("M2 9h10V3l10 9-10 9v-6H2z", [[22, 12], [12, 3], [12, 21], [2, 9], [2, 15]]),
    ):
        points = outline(covered(d))
        assert points is not None
        for corner in corners:
            assert np.hypot(*(points - corner).T).min() < 1e-9, (d, corner)


def test_of_two_corners_at_one_vertex_the_sharper_one_wins() -> None:
    # four vertices for eight corners: the tips are sharper than the notches.
    ring = np.array([[0.0, 0], [10, 0], [10, 1], [0.2, 1.1], [0, 1]])
    points = resampled(ring, 5)
    assert np.hypot(*(points - [10, 0]).T).min() < 1e-9
    assert len(points) == 5


def test_an_outline_covers_what_the_drawing_covers() -> None:
    for d in (SQUARE, DISC, "M15 2a10 10 0 1 0 7 14A9 9 0 0 1 15 2z"):
        whole = covered(d)
        points = outline(whole)
        assert points is not None
        drawn = Polygon(points)
        assert drawn.intersection(whole).area / drawn.union(whole).area > 0.995


def test_an_outline_that_crosses_itself_is_seen() -> None:
    assert is_simple(np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]))
    assert not is_simple(np.array([[0.0, 0], [1, 1], [1, 0], [0, 1]]))
