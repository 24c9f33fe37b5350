"""Samples of the digits: a row of bases, then each distortion above the same digits undistorted."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from data_scripts.builder import Stored
from data_scripts.contact_sheet import sheet, spread, tiles
from data_scripts.digits.distortion import DISTORTIONS

COLUMNS = 16


def contact_sheet(stored: Stored) -> Figure:
    """Return the sheet."""
    figure = sheet(10, 9.5)
    rows = figure.subplots(len(DISTORTIONS), 1)
    for axes, how in zip(rows, DISTORTIONS):
        images, base = stored.arrays[f"{how.name}/train/img"], stored.arrays[f"{how.name}/train/base"]
        chosen = spread(np.arange(len(images)), COLUMNS)
        pictures = [_on_canvas(stored.arrays["base/img"][base[row], 0], how.size_px) for row in chosen]
        pictures += [_on_canvas(images[row, 0], how.size_px) for row in chosen]
        axes.imshow(tiles(pictures, len(chosen)), interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"{how.name}, {how.size_px} px: {how.meaning}", fontsize=10)
    return figure


def _on_canvas(image: np.ndarray, size_px: int) -> np.ndarray:
    edge = (size_px - image.shape[0]) // 2
    return np.repeat(np.pad(image, edge)[:, :, None], 3, axis=2)
