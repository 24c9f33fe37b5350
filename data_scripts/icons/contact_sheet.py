"""Samples of the icons: bitmaps, outlines with the order of their vertices, pairs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_scripts.builder import Stored
from data_scripts.contact_sheet import sheet, spread, tiles
from data_scripts.icons.verification import outlines_px


def contact_sheet(stored: Stored) -> Figure:
    """Return the sheet."""
    figure = sheet(10, 10.5)
    upper, middle, lower = figure.subfigures(3, 1, height_ratios=[4.2, 4.6, 2.2], squeeze=False)[:, 0]
    upper.suptitle("img, spread evenly over the file", fontsize=10)
    _show(upper.subplots(), tiles(_pictures(stored, spread(np.arange(len(stored.arrays["img"])), 96)), 16))

    middle.suptitle("alpha and polygon: the star is vertex 0, colours run on from red over yellow, green, blue (clockwise)", fontsize=10)
    has = np.flatnonzero(stored.arrays["has_polygon"])
    outlines = outlines_px(stored)
    chosen = spread(np.arange(len(has)), 32)
    for axes, number in zip(middle.subplots(4, 8).flat, [*chosen, *[-1] * (32 - len(chosen))]):
        axes.set_axis_off()
        if number >= 0:
            _outline(axes, stored, int(has[number]), outlines[number])

    lower.suptitle("pairs: filled above, outlined below", fontsize=10)
    pair, style = stored.arrays["pair"], stored.arrays["style"]
    filled = spread(np.flatnonzero((pair >= 0) & (style == 0)), 16)
    if len(filled):
        _show(lower.subplots(), tiles(_pictures(stored, np.concatenate([filled, pair[filled]])), len(filled)))
    return figure


def _pictures(stored: Stored, rows: np.ndarray) -> list[np.ndarray]:
    return [stored.arrays["img"][row].transpose(1, 2, 0) for row in rows]


def _show(axes: Axes, picture: np.ndarray) -> None:
    axes.imshow(picture, interpolation="nearest")
    axes.set_axis_off()


def _outline(axes: Axes, stored: Stored, row: int, outline: np.ndarray) -> None:
    size = stored.arrays["alpha"].shape[-1]
    axes.imshow(stored.arrays["alpha"][row, 0], cmap="gray_r", vmin=0, vmax=512, extent=(0, size, size, 0), interpolation="nearest")
    axes.scatter(outline[:, 0], outline[:, 1], c=np.arange(len(outline)), cmap="hsv", s=3)
    axes.plot(*outline[0], marker="*", color="black", markersize=6)
    axes.set_title(stored.arrays["name"][row], fontsize=6, pad=1)
