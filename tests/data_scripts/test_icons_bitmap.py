"""Coverage of pixels, and colours."""

from __future__ import annotations

import numpy as np
import pytest

from data_scripts.icons.bitmap import CONTRAST, SIZE_PX, Stamp, colours, framing, lightness, painted


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def covered_share(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    cells = np.arange(SIZE_PX)
    wide = np.clip(np.minimum(x1, cells + 1) - np.maximum(x0, cells), 0, 1)
    high = np.clip(np.minimum(y1, cells + 1) - np.maximum(y0, cells), 0, 1)
    return high[:, None] * wide[None]


@pytest.mark.parametrize("box", [(4, 6, 20, 9), (4.5, 6.25, 20.75, 9.5), (0, 0, 32, 32), (10.1, 10.1, 10.6, 30)])
def test_coverage_of_a_rectangle_is_its_area_in_each_pixel(box: tuple[float, float, float, float]) -> None:
    got = Stamp().coverage([[rectangle(*box)]])
    assert got.dtype == np.uint8 and got.shape == (SIZE_PX, SIZE_PX)
    # the renderer computes in 256ths of a pixel.
    assert np.abs(got / 255 - covered_share(*box)).max() < 2 / 255 + 1 / 256


def test_a_renderer_that_snaps_would_be_seen() -> None:
    stamp, box = Stamp(), (4.5, 6.25, 20.75, 9.5)
    stamp._context.set_snap(True)
    assert np.abs(stamp.coverage([[rectangle(*box)]]) / 255 - covered_share(*box)).max() > 0.2


def test_nothing_is_left_from_the_drawing_before() -> None:
    stamp = Stamp()
    stamp.coverage([[rectangle(0, 0, 32, 32)]])
    assert stamp.coverage([]).max() == 0


def test_the_picture_is_framed_in_the_middle() -> None:
    scale, shift = framing((2.0, 10.0, 22.0, 14.0))
    corners = np.array([[2.0, 10.0], [22.0, 14.0]]) * scale + shift
    assert corners.ravel().tolist() == pytest.approx([2.0, 13.2, 30.0, 18.8])


def test_colours_can_be_told_apart_and_stay() -> None:
    drawn = np.stack([colours(f"material/{number}") for number in range(500)])
    assert np.abs(np.diff(lightness(drawn), axis=1)).min() >= CONTRAST
    assert np.array_equal(drawn[7], colours("material/7"))
    assert len(np.unique(drawn.reshape(500, -1), axis=0)) > 490
    dark_in_front = (lightness(drawn)[:, 0] < lightness(drawn)[:, 1]).mean()
    assert 0.4 < dark_in_front < 0.6


def test_painting_mixes_by_coverage() -> None:
    rng = np.random.default_rng(0)
    alpha = rng.integers(0, 256, (3, 1, 4, 5), dtype=np.uint8)
    colour = rng.integers(0, 256, (3, 2, 3), dtype=np.uint8)
    got = painted(alpha, colour)
    for n, c, y, x in np.ndindex(got.shape):
        share = alpha[n, 0, y, x] / 255
        assert abs(got[n, c, y, x] - (share * colour[n, 0, c] + (1 - share) * colour[n, 1, c])) <= 0.5 + 1e-9
    assert got.dtype == np.uint8
