"""Polygons: the order of vertices can be read from the picture."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from rendered import colour_at, near

from vislab.show.polygons import polygon
from vislab.show.style import RED, VALUES, notes

SQUARE = torch.tensor([[2.0, 2.0], [12.0, 2.0], [12.0, 12.0], [2.0, 12.0]])
SHADES = plt.get_cmap(VALUES)(np.linspace(0, 1, 4))


def start(panel: Axes) -> list[Any]:
    return [line.get_xydata().tolist() for line in panel.lines if line.get_gid() == "start"]


def arrows(panel: Axes) -> np.ndarray:
    """The direction of every arrow, in data coordinates."""
    return np.array([np.subtract(text.xy, text.get_position()) for text in panel.texts if text.get_gid() != "note"])


def test_colours_follow_the_order_and_the_start_is_ringed() -> None:
    panel = polygon(SQUARE)
    edges, vertices = panel.collections
    assert [segment.tolist() for segment in edges.get_segments()] == [SQUARE[[i, (i + 1) % 4]].tolist() for i in range(4)]
    assert np.allclose(edges.get_colors(), SHADES) and np.allclose(vertices.get_facecolors(), SHADES)
    assert vertices.get_offsets().tolist() == SQUARE.tolist() and start(panel) == [[SQUARE[0].tolist()]]
    assert near(colour_at(panel, 2, 2), SHADES[0][:3]) and near(colour_at(panel, 12, 12), SHADES[2][:3])


def test_another_start_is_another_picture() -> None:
    panel = polygon(SQUARE.roll(1, 0))
    assert start(panel) == [[SQUARE[3].tolist()]] and not near(colour_at(panel, 2, 2), SHADES[0][:3])


def test_arrows_point_the_way_the_vertices_run() -> None:
    turn = torch.arange(24) / 24 * 2 * torch.pi
    circle = torch.stack([torch.cos(turn), torch.sin(turn)], 1)

    def spin(panel: Axes) -> np.ndarray:
        heads = np.array([text.xy for text in panel.texts])
        return heads[:, 0] * arrows(panel)[:, 1] - heads[:, 1] * arrows(panel)[:, 0]

    forward, backward = polygon(circle), polygon(circle.flip(0))
    assert len(arrows(forward)) == 3 and (spin(forward) > 0).all() and (spin(backward) < 0).all()


def test_an_open_line_has_no_last_edge() -> None:
    assert len(polygon(SQUARE, closed=False).collections[0].get_segments()) == 3


@pytest.mark.parametrize("y_up", [True, False])
def test_y_grows_as_asked(y_up: bool) -> None:
    panel = polygon(SQUARE, y_up=y_up)
    assert panel.yaxis_inverted() is not y_up
    polygon(SQUARE + 1, y_up=y_up, ax=panel)
    assert panel.yaxis_inverted() is not y_up


def test_over_an_image_vertices_are_pixels_and_edges_stay() -> None:
    panel = polygon(SQUARE + 8, picture=torch.full((16, 16), 0.5))
    assert panel.get_xlim() == (-0.5, 15.5) and panel.get_ylim() == (15.5, -0.5)
    assert near(colour_at(panel, 10, 10), SHADES[0][:3]) and near(colour_at(panel, 3, 3), "0.5")


def test_values_colour_the_vertices_and_have_a_bar() -> None:
    panel = polygon(SQUARE, values=torch.tensor([5.0, 1.0, 3.0, 1.0]), values_name="error, px")
    assert np.allclose(panel.collections[1].get_facecolors(), plt.get_cmap(VALUES)(np.array([1.0, 0.0, 0.5, 0.0])), atol=0.01)
    bar = panel.figure.axes[1]
    assert bar.get_ylabel() == "error, px" and bar.get_ylim() == (1.0, 5.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [torch.full((4,), 2.0), torch.full((4,), torch.nan)])
def test_equal_or_missing_values_divide_by_nothing(values: torch.Tensor) -> None:
    panel = polygon(SQUARE, values=values)
    panel.figure.canvas.draw()
    low, high = panel.figure.axes[1].get_ylim()
    assert low < high and notes(panel) == (["values: 4 NaN of 4 values"] if values.isnan().any() else [])


def test_a_vertex_that_is_no_number_takes_its_edges_with_it() -> None:
    broken = SQUARE.clone()
    broken[0, 1] = torch.nan
    panel = polygon(broken, filled=True)
    assert len(panel.collections[0].get_segments()) == 2 and start(panel) == [] and len(panel.patches) == 0
    assert notes(panel) == ["vertices: 1 NaN of 8 coordinates"]


@pytest.mark.filterwarnings("error")
def test_a_polygon_of_one_place_is_drawn_without_arrows() -> None:
    panel = polygon(torch.ones(5, 2))
    panel.figure.canvas.draw()
    assert len(arrows(panel)) == 0 and start(panel) == [[[1.0, 1.0]]]


def test_several_polygons_each_have_a_start() -> None:
    panel = polygon(torch.stack([SQUARE, SQUARE + 20]), colour=RED)
    assert start(panel) == [[[2.0, 2.0]], [[22.0, 22.0]]] and near(colour_at(panel, 4, 2), RED)


def test_filled_is_filled() -> None:
    assert near(colour_at(polygon(SQUARE), 7, 7), "white") and not near(colour_at(polygon(SQUARE, filled=True), 7, 7), "white")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"vertices": torch.zeros(2, 96)}, r"vertices.shape \(2, 96\) must be \[V, 2\] or \[P, V, 2\].*turn it with vertices.mT"),
        ({"vertices": torch.zeros(1, 2)}, r"with V at least 2"),
        ({"vertices": torch.zeros(0, 4, 2)}, r"holds no polygon; P must be at least 1"),
        ({"vertices": SQUARE, "values": torch.zeros(3)}, r"values.shape \(3,\) must be \(4,\), one number a vertex"),
        ({"vertices": SQUARE, "picture": torch.zeros(4)}, r"picture.shape \(4,\) must be"),
        ({"vertices": SQUARE, "picture": torch.zeros(4, 4), "y_up": True}, r"y_up True does not go with a picture"),
    ],
)
def test_what_is_no_polygon_is_refused(arguments: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        polygon(**arguments)
    assert plt.get_fignums() == []
