"""Grids: every image is in its place, unscaled, and carries its own words."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from rendered import colour_at, near

from vislab.show.grids import batch_grid, latent_walk, panels
from vislab.show.style import NOT_FINITE, notes


def greys(count: int, height: int = 8, width: int = 8) -> torch.Tensor:
    return (torch.arange(count) / count).reshape(-1, 1, 1, 1).expand(count, 1, height, width)


def tile_middles(panel: Axes, count: int, columns: int, height: int, width: int, room: int = 0) -> list[tuple[float, float]]:
    step = (width + 1, height + room + 1)
    return [((i % columns) * step[0] + width // 2, (i // columns) * step[1] + room + height // 2) for i in range(count)]


@pytest.mark.parametrize(("count", "columns"), [(1, None), (7, 3), (8, None), (9, None), (3, 10)])
def test_every_image_stands_in_its_place(count: int, columns: int | None) -> None:
    panel = batch_grid(greys(count), columns=columns)
    shown = min(count, columns or 8)
    for place, (x, y) in enumerate(tile_middles(panel, count, shown, 8, 8)):
        assert near(colour_at(panel, x, y), str(place / count)), place
    assert np.asarray(panel.images[0].get_array()).shape[:2] == (-(-count // shown) * 9 - 1, shown * 9 - 1)


def test_images_that_change_places_are_seen() -> None:
    panel = batch_grid(greys(4).flip(0))
    assert not near(colour_at(panel, 4, 4), "0.0") and near(colour_at(panel, 4, 4), "0.75")


def test_captions_stand_above_their_images() -> None:
    panel = batch_grid(greys(5, 8, 12), captions=list("abcde"), columns=2, caption="all")
    room = 2
    middles = tile_middles(panel, 5, 2, 8, 12, room)
    for text, letter, (x, y) in zip(panel.texts, "abcde", middles):
        # the middle of 12 pixels lies between two.
        assert text.get_text() == letter and text.get_position()[0] == x - 0.5 and text.get_position()[1] == y - 4 - 0.6
    assert panel.get_title() == "all"
    panel.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in panel.texts]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_one_brightness_for_the_whole_batch() -> None:
    images = torch.stack([torch.full((4, 4), 0.2), torch.full((4, 4), 0.4)])
    panel = batch_grid(images)
    assert near(colour_at(panel, 2, 2), "0.2") and near(colour_at(panel, 7, 2), "0.4")


def test_nan_is_shown_in_its_image_and_named() -> None:
    images = greys(4).clone()
    images[2, 0, 4, 4] = torch.nan
    panel = batch_grid(images)
    assert near(colour_at(panel, 2 * 9 + 4, 4), NOT_FINITE) and near(colour_at(panel, 9 + 4, 4), "0.25")
    assert notes(panel) == ["images: 1 NaN of 256 values"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"images": torch.zeros(0, 3, 4, 4)}, r"images.shape \(0, 3, 4, 4\) holds no pixel"),
        ({"images": torch.zeros(2, 4, 4, 3)}, r"must be \[B, C, H, W\] with C 1 or 3.*images.movedim\(-1, 1\)"),
        ({"images": torch.zeros(2, 4, 4), "captions": ["one"]}, r"captions has 1 entries and images 2"),
        ({"images": torch.zeros(2, 4, 4), "columns": 0}, r"columns 0 must be at least 1"),
    ],
)
def test_what_is_no_batch_is_refused(arguments: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        batch_grid(**arguments)
    assert plt.get_fignums() == []


def test_a_strip_has_its_values_under_the_images() -> None:
    panel = latent_walk(greys(5), [-2, -1, 0, 1, 2.5], "z, sd")
    assert [tick.get_text() for tick in panel.get_xticklabels()] == ["−2", "−1", "0", "1", "2.5"]
    for place, x in enumerate(panel.get_xticks()):
        assert x == place * 9 + 3.5 and near(colour_at(panel, round(x), 3), str(place / 5))
    assert panel.get_xlabel() == "z, sd" and list(panel.get_yticks()) == []
    panel.figure.canvas.draw()
    assert panel.xaxis.label.get_visible() and panel.axison


def test_a_grid_has_both_axes() -> None:
    walk = greys(6).unflatten(0, (2, 3))
    panel = latent_walk(walk, [0, 1, 2], "across", row_values=[-1, 1], row_name="down")
    assert [tick.get_text() for tick in panel.get_yticklabels()] == ["−1", "1"] and panel.get_ylabel() == "down"
    for row, y in enumerate(panel.get_yticks()):
        for column, x in enumerate(panel.get_xticks()):
            assert near(colour_at(panel, round(x), round(y)), str((row * 3 + column) / 6))


@pytest.mark.parametrize(
    ("shape", "values", "rows", "text"),
    [
        ((4, 1, 2, 2), [1, 2, 3], None, r"values has 3 numbers and images.shape is \(4, 1, 2, 2\); give 4"),
        ((2, 4, 1, 2, 2), [1, 2, 3, 4], None, r"a grid is \[R, N, C, H, W\] and needs row_values"),
        ((4, 1, 2, 2), [1, 2, 3, 4], [1], r"a strip is \[N, C, H, W\] and takes none"),
        ((2, 4, 1, 2, 2), [1, 2, 3, 4], [1], r"row_values has 1 numbers"),
        ((4, 2, 2), [1, 2, 3, 4], None, r"images.shape \(4, 2, 2\) must be \[N, C, H, W\]"),
    ],
)
def test_numbers_that_do_not_fit_the_walk_are_refused(shape: tuple, values: list, rows: list | None, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        latent_walk(torch.zeros(shape), values, row_values=rows)
    assert plt.get_fignums() == []


def test_panels_are_counted_and_laid_out_row_by_row() -> None:
    figure = panels(5, columns=3, size=1.0)
    assert len(figure.axes) == 5 and figure.get_size_inches().tolist() == [3.0, 2.0]
    figure.canvas.draw()
    corners = [panel.get_position().p0 for panel in figure.axes]
    assert corners[0][0] < corners[1][0] < corners[2][0] and corners[3][1] < corners[0][1] and corners[3][0] == corners[0][0]


@pytest.mark.parametrize(("arguments", "text"), [((0,), "count 0"), ((2, -1), "columns -1"), ((2, 1, 0.0), "size 0.0 must be above 0")])
def test_no_panels_are_refused(arguments: tuple, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        panels(arguments[0], **dict(zip(("columns", "size"), arguments[1:])))
