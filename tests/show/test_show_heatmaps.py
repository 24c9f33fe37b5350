"""Heatmaps and attention: what is high is seen where it is high, and flat maps divide by nothing."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from rendered import canvas_pixels, colour_at, near

from vislab.show.heatmaps import attention, heatmap
from vislab.show.style import BLUE, NOT_FINITE, RED, notes

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def peak(x: int, y: int, size: int = 4) -> torch.Tensor:
    one = torch.zeros(size, size)
    one[y, x] = 1.0
    return one


def test_a_coarse_map_covers_the_whole_image() -> None:
    panel = heatmap(torch.stack([peak(0, 0), peak(3, 2)]), picture=torch.zeros(3, 16, 16))
    blue, red = (0.75 * np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]) for colour in (BLUE, RED))
    # each of the map's pixels is a block of 4 × 4.
    assert near(colour_at(panel, 0, 0), blue) and near(colour_at(panel, 3, 3), blue) and near(colour_at(panel, 4, 0), "black")
    assert near(colour_at(panel, 12, 8), red) and near(colour_at(panel, 15, 11), red) and near(colour_at(panel, 12, 7), "black")
    assert panel.get_xlim() == (-0.5, 15.5) and panel.get_ylim() == (15.5, -0.5)


def test_a_map_upside_down_would_be_seen() -> None:
    panel = heatmap(peak(0, 0).flip(0)[None], picture=torch.zeros(3, 16, 16))
    assert near(colour_at(panel, 0, 0), "black") and not near(colour_at(panel, 0, 15), "black")


def test_one_map_alone_keeps_its_numbers() -> None:
    panel = heatmap(peak(1, 2) * 7 - 3)
    drawn = panel.images[0]
    assert drawn.get_clim() == (-3.0, 4.0) and len(panel.figure.axes) == 2
    assert colour_at(panel, 1, 2).tolist() == pytest.approx(plt.get_cmap("viridis")(1.0)[:3], abs=0.01)


def test_flat_maps_are_told_and_divide_by_nothing() -> None:
    panel = heatmap(torch.stack([torch.full((4, 4), 0.3), peak(1, 1)]), picture=torch.zeros(8, 8), names=["knee", "foot"])
    assert notes(panel) == ["equal throughout: map knee"] and near(colour_at(panel, 0, 0), "black")
    assert np.isfinite(canvas_pixels(heatmap(torch.zeros(4, 4)).figure)).all()


def test_what_is_no_number_is_magenta_and_counted() -> None:
    maps = torch.stack([peak(0, 0), peak(1, 1)])
    maps[1, 3, 3] = torch.nan
    panel = heatmap(maps, picture=torch.zeros(4, 4))
    assert near(colour_at(panel, 3, 3), NOT_FINITE) and notes(panel) == ["heatmaps: 1 NaN of 32 values"]
    alone = heatmap(maps[1])
    assert near(colour_at(alone, 3, 3), NOT_FINITE) and notes(alone) == ["heatmaps: 1 NaN of 16 values"]
    nothing = heatmap(torch.full((2, 2), torch.inf))
    assert near(colour_at(nothing, 1, 1), NOT_FINITE) and notes(nothing) == ["heatmaps: 4 infinite of 4 values"]


def test_joints_are_crosses_at_their_pixels() -> None:
    panel = heatmap(torch.stack([peak(0, 0), peak(3, 3)]), picture=torch.zeros(16, 16), joints=torch.tensor([[2.0, 5.0], [40.0, 1.0]]))
    assert [line.get_xydata().tolist() for line in panel.lines] == [[[2.0, 5.0]], [[40.0, 1.0]]]
    assert panel.get_xlim() == (-0.5, 15.5)
    missing = heatmap(peak(0, 0), joints=torch.tensor([[torch.nan, 1.0]]))
    assert notes(missing) == ["joints: 1 NaN of 2 coordinates"]


def test_names_make_a_legend() -> None:
    panel = heatmap(torch.stack([peak(0, 0), peak(3, 3)]), names=["head", "foot"])
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["head", "foot"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"heatmaps": torch.zeros(2, 3, 4, 4)}, r"heatmaps.shape \(2, 3, 4, 4\) must be \[N, H, W\] or \[H, W\]; of a batch pass one"),
        ({"heatmaps": torch.zeros(2, 4, 4), "picture": torch.full((4, 4), 2.0)}, r"picture has values in 2..2"),
        ({"heatmaps": torch.zeros(2, 0, 4)}, r"holds no number"),
        ({"heatmaps": torch.zeros(2, 4, 4), "joints": torch.zeros(3, 2)}, r"joints has 3 entries and heatmaps 2"),
        ({"heatmaps": torch.zeros(2, 4, 4), "names": ["a"]}, r"names has 1 entries and heatmaps 2"),
    ],
)
def test_what_is_no_heatmap_is_refused(arguments: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        heatmap(**arguments)
    assert plt.get_fignums() == []


def test_attention_is_on_one_scale_and_where_it_looks() -> None:
    weights = torch.stack([peak(1, 2) * 0.8 + 0.0125, torch.full((4, 4), 1 / 16)])
    figure = attention(weights, torch.zeros(3, 8, 8), ["cup", "the"])
    plain, sharp, even = figure.axes
    assert [panel.get_title() for panel in figure.axes] == ["", "cup · 0.81", "the · 0.062"] and len(plain.images) == 1
    opacity = [np.asarray(panel.images[1].get_array())[..., 3] for panel in (sharp, even)]
    assert opacity[0][2, 1] == pytest.approx(0.75) and opacity[0][0, 0] == pytest.approx(0.75 * 0.0125 / 0.8125)
    # the word that looks everywhere stays pale.
    assert np.allclose(opacity[1], 0.75 * 0.0625 / 0.8125)
    assert colour_at(sharp, 2, 4).sum() > 3 * colour_at(sharp, 0, 0).sum() and near(colour_at(sharp, 2, 3), colour_at(sharp, 0, 0))


def test_attention_that_is_nothing_or_no_number() -> None:
    weights = torch.zeros(2, 4, 4)
    assert all(near(colour_at(panel, 2, 2), "0.5") for panel in attention(weights, torch.full((8, 8), 0.5), ["a", "b"]).axes)
    weights[1, 0, 0] = torch.nan
    figure = attention(weights, torch.zeros(8, 8), ["a", "b"])
    assert near(colour_at(figure.axes[2], 0, 0), NOT_FINITE) and notes(figure.axes[2]) == ["weights: 1 NaN of 16 values"]
    gone = attention(torch.full((1, 2, 2), torch.nan), torch.zeros(8, 8), ["a"])
    assert gone.axes[1].get_title() == "a · no number"


@pytest.mark.parametrize(
    ("weights", "words", "text"),
    [
        (torch.zeros(2, 4, 4), ["a"], r"words has 1 entries and weights 2 maps"),
        (
            torch.full((1, 4, 4), -0.5),
            ["a"],
            r"weights has a least value of -0.5; attention is at least 0; pass the weights after the softmax",
        ),
    ],
)
def test_what_is_no_attention_is_refused(weights: torch.Tensor, words: list[str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        attention(weights, torch.zeros(8, 8), words)
    assert plt.get_fignums() == []
