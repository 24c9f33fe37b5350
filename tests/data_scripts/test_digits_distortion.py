"""Distortions against independent oracles, and what they draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from data_scripts.digits.assembly import distorted
from data_scripts.digits.base import TEST, TRAIN, Base, base_digits, enlarged, split_by_position
from data_scripts.digits.clutter import PIECE_PX, with_clutter
from data_scripts.digits.distortion import DISTORTIONS, Distortion, Draw, generator
from data_scripts.digits.warp import back_to_digit, homography, pixel_centres, sampled

BY_NAME = {how.name: how for how in DISTORTIONS}


@pytest.fixture(scope="module")
def base() -> Base:
    return base_digits()


@pytest.fixture(scope="module")
def ink(base: Base) -> Tensor:
    return torch.from_numpy(base.img[:6]).float() / 255


def by_scipy(image: np.ndarray, matrix: np.ndarray, size_px: int) -> np.ndarray:
    """The picture under a homography from digit to picture, half-pixel centres, by SciPy's spline of order 1."""
    y, x = np.mgrid[:size_px, :size_px] + 0.5
    back = np.linalg.inv(matrix) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    where = (back[:2] / back[2])[::-1] - 0.5
    return ndimage.map_coordinates(image, where, order=1, mode="constant", cval=0, prefilter=False).reshape(size_px, size_px)


def similarity_matrix(theta: np.ndarray, size_px: int) -> np.ndarray:
    angle, scale, tx, ty = theta
    # counter-clockwise to the eye, with y down.
    turn = scale * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    shift = size_px / 2 + np.array([tx, ty]) - turn @ np.array([14, 14])
    return np.array([[*turn[0], shift[0]], [*turn[1], shift[1]], [0, 0, 1]])


@pytest.mark.parametrize("name", ["R", "RTS", "TC48"])
def test_similarities_agree_with_scipy(ink: Tensor, name: str) -> None:
    how = BY_NAME[name]
    draw = how.draw(len(ink), generator(3, name))
    got = how.apply(ink, draw, how.size_px).numpy()
    for image, theta, picture in zip(ink.numpy(), draw.theta.double().numpy(), got):
        expected = by_scipy(image[0], similarity_matrix(theta, how.size_px), how.size_px)
        assert np.abs(picture[0] - expected).max() < 1e-3


def test_projections_agree_with_scipy(ink: Tensor) -> None:
    how = BY_NAME["P"]
    draw = how.draw(len(ink), generator(3, "P"))
    got = how.apply(ink, draw, how.size_px).numpy()
    for image, matrix, picture in zip(ink.numpy(), draw.extra["matrix"].double().numpy(), got):
        assert np.abs(picture[0] - by_scipy(image[0], matrix, how.size_px)).max() < 1e-3
        assert abs(matrix[2, :2]).max() > 1e-5


def test_bending_fetches_pixels_from_beside(ink: Tensor) -> None:
    how = BY_NAME["E"]
    level = torch.zeros(len(ink), 4, 4, 2)
    assert torch.allclose(how.apply(ink, Draw(torch.zeros(6, 4), {"control": level}), 28), ink, atol=1e-5)
    level[..., 0], level[..., 1] = 3.0, -2.0
    moved = how.apply(ink, Draw(torch.zeros(6, 4), {"control": level}), 28)
    # fetched 3 px to the right and 2 px above: the picture moves left and down.
    assert torch.allclose(moved[:, :, 2:, :-3], ink[:, :, :-2, 3:], atol=1e-4)


def test_a_positive_angle_turns_counter_clockwise() -> None:
    bar = torch.zeros(1, 1, 28, 28)
    bar[0, 0, 12:16, 18:24] = 1
    turned = BY_NAME["R"].apply(bar, Draw(torch.tensor([[math.pi / 2, 1.0, 0.0, 0.0]])), 28)
    # what lay to the right of the centre lies above it now.
    assert turned[0, 0, 4:10, 12:16].min() > 0.99 and turned.sum() == pytest.approx(24, abs=1e-3)


def test_points_go_back_where_theta_put_them() -> None:
    theta = torch.tensor([[0.5, 0.8, 3.0, -2.0], [0.0, 1.0, 0.0, 0.0]])
    centre = torch.tensor([21.0 + 3, 21 - 2])
    back = back_to_digit(centre, theta, 42)
    assert back[0].tolist() == pytest.approx([14, 14], abs=1e-5)
    assert back[1].tolist() == pytest.approx([17, 12], abs=1e-5)


def test_a_homography_takes_four_points_onto_four() -> None:
    draws = torch.Generator().manual_seed(0)
    square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    target = square + torch.rand(5, 4, 2, generator=draws, dtype=torch.float64) * 0.3
    matrix = homography(square.expand(5, 4, 2), target)
    ends = torch.cat([square, torch.ones(4, 1, dtype=torch.float64)], dim=1) @ matrix.transpose(1, 2)
    assert torch.allclose(ends[..., :2] / ends[..., 2:], target, atol=1e-12)


def test_whole_and_half_centres_lead_back() -> None:
    matrix = torch.tensor([[[1.1, 0.2, 3.0], [-0.1, 0.9, 2.0], [0.001, -0.002, 1.0]]])
    draw = Draw(torch.zeros(1, 4), {"matrix": matrix})
    whole = draw.on_whole_centres().extra["matrix"][0].double()
    point = torch.tensor([4.0, 7.0, 1.0], dtype=torch.float64)
    half = matrix[0].double() @ (point + torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64))
    end = whole @ point
    assert (end[:2] / end[2]).tolist() == pytest.approx((half[:2] / half[2] - 0.5).tolist(), abs=1e-5)
    assert torch.allclose(draw.on_whole_centres().on_half_centres().extra["matrix"], matrix, atol=1e-6)


def test_pixel_centres_are_halves() -> None:
    assert pixel_centres(3)[0].tolist() == [[0.5, 0.5], [1.5, 0.5], [2.5, 0.5]]
    assert torch.equal(sampled(torch.ones(1, 1, 3, 3), pixel_centres(3)[None]), torch.ones(1, 1, 3, 3))
    assert sampled(torch.ones(1, 1, 3, 3), pixel_centres(3)[None] + 9).max() == 0


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("R", [-math.pi / 2, 1, 0, 0], [math.pi / 2, 1, 0, 0]),
        ("RTS", [-math.pi / 4, 0.7, -8, -8], [math.pi / 4, 1.2, 8, 8]),
        ("P", [-math.pi / 6, 0.8, -4, -4], [math.pi / 6, 1.1, 4, 4]),
        ("TC48", [0, 1, -10, -10], [0, 1, 10, 10]),
        ("E", [0, 1, 0, 0], [0, 1, 0, 0]),
    ],
)
def test_draws_fill_their_ranges(name: str, low: list[float], high: list[float]) -> None:
    theta = BY_NAME[name].draw(20_000, generator(0, name)).theta.double()
    span = torch.tensor(high, dtype=torch.float64) - torch.tensor(low, dtype=torch.float64)
    assert (theta.amin(0) >= torch.tensor(low, dtype=torch.float64) - 1e-6).all()
    assert (theta.amax(0) <= torch.tensor(high, dtype=torch.float64) + 1e-6).all()
    assert (theta.amax(0) - theta.amin(0) >= 0.99 * span - 1e-6).all()


def test_streams_of_one_seed_are_independent() -> None:
    draws = [torch.rand(3, generator=generator(*words)).tolist() for words in ((0, "R", "train"), (0, "R", "test"), (1, "R", "train"))]
    assert len({tuple(draw) for draw in draws}) == 3
    assert torch.rand(3, generator=generator(0, "R", "train")).tolist() == draws[0]


def test_clutter_adds_pieces_and_takes_nothing(ink: Tensor) -> None:
    pictures = torch.zeros(50, 1, 48, 48)
    pictures[:, :, 20:28, 20:28] = 0.5
    pool = torch.ones(3, 1, 28, 28)
    got = with_clutter(pictures, pool, 2, generator(0, "c"))
    assert (got >= pictures).all() and pictures.max() == 0.5
    added = (got == 1).sum(dim=(1, 2, 3))
    assert added.max() == 2 * PIECE_PX**2 and added.min() >= PIECE_PX**2
    assert torch.equal(with_clutter(pictures, pool, 0, generator(0, "c")), pictures)


def test_digits_are_enlarged_with_steep_edges(base: Base) -> None:
    assert base.img.shape == (1797, 1, 28, 28) and base.img.dtype == np.uint8
    full = np.full((1, 8, 8), 16.0)
    large = enlarged(full)[0, 0]
    assert large[14, 14] == 255 and large[0].max() == 0 and large[:, -1].max() == 0
    # most pixels are ink or ground, as on a scanned page.
    assert ((base.img < 8) | (base.img > 247)).mean() > 0.75


def test_the_base_is_cut_once(base: Base) -> None:
    assert split_by_position(10, 0.2).tolist() == [TRAIN] * 8 + [TEST] * 2
    assert (base.split == TEST).sum() == 359 and np.bincount(base.label[base.split == TEST]).min() > 30


@pytest.mark.parametrize("how", DISTORTIONS, ids=lambda how: how.name)
def test_each_digit_of_the_split_is_used_equally_often(base: Base, how: Distortion) -> None:
    made = distorted(base, how, "test", 800, 0)
    assert made["img"].shape == (800, 1, how.size_px, how.size_px) and made["img"].dtype == np.uint8
    used = np.bincount(made["base"], minlength=1797)
    assert used[base.split == TRAIN].max() == 0 and set(used[base.split == TEST]) == {2, 3}
    assert np.array_equal(made["label"], base.label[made["base"]])
    assert {"img", "label", "base", "theta", *how.extra} == set(made)


def test_chunks_do_not_show(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    # one digit more changes no digit before it, within a chunk of draws.
    few, more = (distorted(base, BY_NAME["R"], "test", count, 0)["base"] for count in (500, 501))
    assert np.array_equal(few, more[:500])
    torch.manual_seed(5)
    before = torch.rand(1).item()
    torch.manual_seed(5)
    distorted(base, BY_NAME["E"], "test", 3, 0)
    assert torch.rand(1).item() == before, "a distortion touched the global generator"
