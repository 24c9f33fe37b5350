"""Images: the pixel that is asked for is the pixel that is drawn, on every dtype and under hostile settings."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from rendered import colour_at, near
from torch import Tensor

from vislab.show.pixels import batch_rgb, image
from vislab.show.style import NOT_FINITE, notes


def one_pixel(dtype: torch.dtype) -> Tensor:
    picture = torch.zeros(3, 4, 6)
    picture[:, 1, 4] = torch.tensor([1.0, 0.5, 0.0])
    return (picture * 255).to(dtype) if dtype == torch.uint8 else picture.to(dtype)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_a_pixel_is_drawn_where_it_lies(dtype: torch.dtype) -> None:
    panel = image(one_pixel(dtype), caption="one")
    assert near(colour_at(panel, 4, 1), (1.0, 0.5, 0.0)) and near(colour_at(panel, 3, 1), "black") and near(colour_at(panel, 4, 2), "black")
    # nothing is smeared: the colour reaches the pixel's edge.
    assert near(colour_at(panel, 4.4, 1.4), (1.0, 0.5, 0.0)) and near(colour_at(panel, 4.6, 1.0), "black")
    assert panel.get_title() == "one" and notes(panel) == [] and panel.get_aspect() == 1.0


def test_the_first_row_is_on_top() -> None:
    panel = image(torch.tensor([[1.0], [0.0]]))
    assert panel.yaxis_inverted()
    low, high = (panel.transData.transform((0, y))[1] for y in (0, 1))
    assert low > high, "row 0 lies above row 1"


def test_a_pixel_that_was_moved_is_seen() -> None:
    panel = image(one_pixel(torch.float32).flip(-2))
    assert near(colour_at(panel, 4, 1), "black") and near(colour_at(panel, 4, 2), (1.0, 0.5, 0.0))


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7)], ids=str)
def test_one_channel_is_grey(shape: tuple[int, ...]) -> None:
    panel = image(torch.full(shape, 0.5))
    assert near(colour_at(panel, 3, 2), "0.5")


def test_a_bool_mask_is_black_and_white() -> None:
    panel = image(torch.tensor([[True, False]]))
    assert near(colour_at(panel, 0, 0), "white") and near(colour_at(panel, 1, 0), "black")


def test_a_view_with_gradient_is_drawn_and_left_alone() -> None:
    picture = torch.rand(6, 3, 4).permute(1, 2, 0).requires_grad_(True)
    before = picture.detach().clone()
    drawn = image(picture).images[0].get_array()
    assert np.allclose(drawn, before.movedim(0, -1).numpy()) and torch.equal(picture.detach(), before)


def test_nan_and_infinity_are_magenta_and_counted() -> None:
    picture = torch.zeros(3, 2, 2)
    picture[0, 0, 1], picture[1, 1, 0] = float("nan"), float("inf")
    panel = image(picture)
    assert near(colour_at(panel, 1, 0), NOT_FINITE) and near(colour_at(panel, 0, 1), NOT_FINITE) and near(colour_at(panel, 0, 0), "black")
    assert notes(panel) == ["picture: 1 NaN and 1 infinite of 12 values"]


def test_an_image_of_nan_alone_is_drawn() -> None:
    panel = image(torch.full((2, 2), torch.nan))
    assert near(colour_at(panel, 1, 1), NOT_FINITE) and notes(panel) == ["picture: 4 NaN of 4 values"]


def test_a_value_range_is_black_to_white_and_cuts_off() -> None:
    colours, _ = batch_rgb(torch.tensor([[[-1.0, 0.0, 1.0, 3.0]]]), "x", (-1, 1))
    assert colours[0, 0, :, 0].tolist() == [0.0, 0.5, 1.0, 1.0]


def test_rounding_beyond_one_is_no_error() -> None:
    assert batch_rgb(torch.full((1, 2, 2), 1.004), "x")[0].max() == 1.0


def test_a_given_panel_is_drawn_into_and_no_figure_is_opened() -> None:
    figure, panel = plt.subplots()
    assert image(torch.zeros(2, 2), ax=panel) is panel and plt.get_fignums() == [figure.number]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("picture", "error", "text"),
    [
        ([[0.0]], TypeError, r"picture is list; it must be a torch.Tensor; convert with torch.as_tensor\(picture\)"),
        (torch.zeros(2, 2, dtype=torch.int64), TypeError, r"picture.dtype torch.int64 must be uint8, bool or floating; convert counts"),
        (torch.zeros(2, 2, dtype=torch.complex64), TypeError, r"picture.dtype torch.complex64 must be real; draw picture.abs\(\)"),
        (torch.zeros(4, 4, 3), ValueError, r"picture.shape \(4, 4, 3\) must be \[C, H, W\].*picture.movedim\(-1, 0\)"),
        (torch.zeros(2, 3, 4, 4), ValueError, r"picture.shape \(2, 3, 4, 4\) must be.*picture\[0\], or use batch_grid"),
        (torch.zeros(3, 0, 4), ValueError, r"holds no pixel; every axis must be at least 1"),
        (torch.tensor([[-0.5, 1.0]]), ValueError, r"picture has values in -0.5..1; a floating image must lie in 0..1; pass value_range"),
        (torch.full((2, 2), 200.0), ValueError, r"picture has values in 200..200"),
    ],
)
def test_what_is_no_image_is_refused_by_name(picture: Tensor, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        image(picture)
    assert plt.get_fignums() == [], "a refused call leaves an empty figure behind"


@pytest.mark.parametrize("value_range", [(1, 1), (1, 0), (0, float("nan")), (0, float("inf"))])
def test_a_range_that_is_none_is_refused(value_range: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must be two finite numbers, the lower first"):
        image(torch.zeros(2, 2), value_range=value_range)


def test_several_panels_are_no_panel() -> None:
    _, panels = plt.subplots(1, 2)
    with pytest.raises(TypeError, match=r"ax is ndarray; it must be one matplotlib Axes; of several panels pass one"):
        image(torch.zeros(2, 2), ax=panels)


@pytest.mark.needs_cuda
def test_a_tensor_on_the_gpu_is_drawn() -> None:
    assert near(colour_at(image(one_pixel(torch.float32).cuda()), 4, 1), (1.0, 0.5, 0.0))
