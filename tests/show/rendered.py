"""What a figure looks like once it is drawn: colours on the canvas at data coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb


def canvas_pixels(figure: Any) -> np.ndarray:
    """Draw a figure and return its canvas, ``[H, W, 3]``, 0..1."""
    root = figure.figure if hasattr(figure, "figure") else figure
    canvas = FigureCanvasAgg(root.get_figure(root=True) if hasattr(root, "get_figure") and root.get_figure() is not None else root)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255.0


def colour_at(panel: Axes, x: float, y: float) -> np.ndarray:
    """Return the colour on the canvas at a panel's data coordinates."""
    pixels = canvas_pixels(panel.figure)
    across, up = panel.transData.transform((x, y))
    return pixels[pixels.shape[0] - 1 - round(up - 0.5), round(across - 0.5)]


def near(colour: np.ndarray, wanted: Any, within: float = 0.03) -> bool:
    """Whether two colours are the same but for rounding."""
    return bool(np.abs(colour - np.asarray(to_rgb(wanted))).max() <= within)
