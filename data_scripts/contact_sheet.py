"""How sheets of samples look, whatever the set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 100


def sheet(width_in: float, height_in: float) -> Figure:
    """Return an empty figure that draws without a window."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def spread(rows: np.ndarray, count: int) -> np.ndarray:
    """Return ``count`` of ``rows``, evenly spread; all of them when there are fewer."""
    if len(rows) <= count:
        return rows
    return rows[np.arange(count) * len(rows) // count]


def tiles(pictures: Sequence[np.ndarray], columns: int, gap_px: int = 2, ground: int = 255) -> np.ndarray:
    """Return pictures side by side on one ground, row by row.

    Args:
        pictures: uint8 [H, W, 3] each, all of one size; one at least.
        columns: how many stand in a row.
        gap_px: width of the ground between them.
        ground: its grey level.
    """
    height, width = pictures[0].shape[:2]
    lines = -(-len(pictures) // columns)
    whole = np.full((lines * (height + gap_px) + gap_px, columns * (width + gap_px) + gap_px, 3), ground, dtype=np.uint8)
    for number, picture in enumerate(pictures):
        y = gap_px + number // columns * (height + gap_px)
        x = gap_px + number % columns * (width + gap_px)
        whole[y : y + height, x : x + width] = picture
    return whole
