"""The one style of the course's pictures: colours, sizes, and the canvas they are drawn on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.patheffects import Normal, Stroke, withStroke

# Okabe and Ito's eight colours, told apart by readers with every common kind of colour blindness; yellow is too pale for a line on white.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, BLACK, GREY = "#56B4E9", "#CC79A7", "#000000", "#767676"
CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK)

EXPECTED, GOT = GREEN, RED
SIDES = {"left": ORANGE, "right": BLUE, "centre": GREEN}
# what is not finite has a colour that no map and hardly any photograph holds.
NOT_FINITE = "#FF00FF"
VALUES, DIFFERENCES = "viridis", "RdBu_r"

TITLE_PT, LABEL_PT, SMALL_PT = 10.0, 9.0, 7.5
LINE_PT, THIN_PT, MARKER_PT = 1.6, 0.8, 5.0
PANEL_INCHES = 3.2


class Picture(Figure):
    """A figure that a notebook shows once.

    IPython would draw a figure that ends a cell, and matplotlib's inline backend draws every open figure at the end of the cell: the same
    picture twice. Whoever of the two comes first shows this one, and closes it for the other.
    """

    def _ipython_display_(self) -> None:
        from IPython.display import Image, display

        display(Image(data=png(self), format="png"))
        if "inline" in plt.get_backend().lower():
            plt.close(self)


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi, metadata={"Software": None})
    return buffer.getvalue()


def canvas(width: float, height: float) -> Picture:
    """Open a figure that ``plt.show()`` and notebooks know, size in inches; its resolution is the notebook's own."""
    return cast(Picture, plt.figure(figsize=(width, height), layout="constrained", FigureClass=Picture))


def axes(ax: Axes | None, width: float = PANEL_INCHES, height: float = PANEL_INCHES) -> Axes:
    """Return ``ax``, or the one panel of a new figure of that size in inches."""
    if ax is None:
        return canvas(width, height).add_subplot()
    if not isinstance(ax, Axes):
        raise TypeError(
            f"ax is {type(ax).__name__}; it must be one matplotlib Axes; of several panels pass one, as in ax=panels[0], "
            "or leave it out for a new figure"
        )
    return ax


def parent(figure: Figure | SubFigure | None, width: float, height: float) -> Figure | SubFigure:
    """Return ``figure``, or a new one of that size in inches."""
    if figure is None:
        return canvas(width, height)
    if not isinstance(figure, Figure | SubFigure):
        raise TypeError(f"figure is {type(figure).__name__}; it must be a matplotlib Figure or SubFigure; leave it out for a new one")
    return figure


def colormap(name: str) -> Colormap:
    """Return a private copy of a colour map in which what is not finite has its own colour."""
    return plt.get_cmap(name).with_extremes(bad=NOT_FINITE)


def halo(colour: str = "white", width: float = 2.0) -> list[Any]:
    """Outline a line or a text so that it is seen on any picture."""
    return [withStroke(linewidth=width, foreground=colour)]


def line_halo(width: float) -> list[Any]:
    """Outline a line of the given width, points, in white."""
    return [Stroke(linewidth=width + 1.4, foreground="white", alpha=0.8), Normal()]


def title(ax: Axes, text: str) -> None:
    """Write a panel's title."""
    if text:
        ax.set_title(text, fontsize=TITLE_PT)


def labels(ax: Axes, x: str, y: str) -> None:
    """Label both axes of a diagram and set its numbers small."""
    ax.set_xlabel(x, fontsize=LABEL_PT)
    ax.set_ylabel(y, fontsize=LABEL_PT)
    ax.tick_params(which="both", labelsize=SMALL_PT)


def plain_frame(ax: Axes) -> None:
    """Leave a diagram its left and lower edge alone, with a faint grid behind."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="0.9", linewidth=THIN_PT)
    ax.set_axisbelow(True)


def note(ax: Axes, text: str) -> None:
    """Say below a panel what its reader would otherwise not know, such as how many values are NaN."""
    if not text:
        return
    before = [drawn for drawn in ax.texts if drawn.get_gid() == "note"]
    if before:
        before[0].set_text(f"{before[0].get_text()}\n{text}")
        return
    ax.annotate(
        text, (0.5, 0.0), xycoords="axes fraction", xytext=(0, -4 if not ax.axison else -30), textcoords="offset points",
        ha="center", va="top", fontsize=SMALL_PT, color=RED, gid="note", annotation_clip=False,
    )  # fmt: skip


def notes(ax: Axes) -> list[str]:
    """Return what ``note`` wrote below a panel, one entry a line."""
    return [line for drawn in ax.texts if drawn.get_gid() == "note" for line in drawn.get_text().split("\n")]


def not_finite(name: str, values: np.ndarray, thing: str = "value") -> str:
    """Name what is NaN or infinite in ``values``, or return an empty text."""
    nan, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    parts = [f"{count} {word}" for count, word in ((nan, "NaN"), (infinite, "infinite")) if count]
    return f"{name}: {' and '.join(parts)} of {values.size} {thing}{'s' * (values.size != 1)}" if parts else ""


@contextmanager
def keep_limits(ax: Axes, fixed: bool) -> Iterator[None]:
    """Let what is drawn over a picture not move the picture's edges."""
    x, y = ax.get_xlim(), ax.get_ylim()
    yield
    if fixed:
        ax.set_xlim(x)
        ax.set_ylim(y)
