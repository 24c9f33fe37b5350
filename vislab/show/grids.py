"""Many images in one picture: a batch, the panels for one, and a walk through a latent space."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vislab.show.pixels import ValueRange, batch_rgb, imshow
from vislab.show.style import GREY, LABEL_PT, SMALL_PT, axes, canvas, note, title

_TILE_INCHES = 0.9


def panels(count: int, *, columns: int | None = None, size: float = 1.8) -> Figure:
    """Open a figure of ``count`` equal panels, for what one picture cannot hold: a batch of skeletons, polygons or heatmaps.

    Args:
        count: number of panels, at least 1.
        columns: panels in a row, at least 1; None: at most 6.
        size: width and height of a panel, inches.

    Returns:
        The figure; ``figure.axes`` are its panels, row by row.

    Raises:
        ValueError: a count, a number of columns or a size below its least value.

    Example:
        >>> figure = panels(5, columns=3)
        >>> len(figure.axes)
        5
    """
    _at_least_one("count", count)
    if not size > 0:
        raise ValueError(f"size {size} must be above 0, inches; 1.8 suits small images")
    columns = _columns(columns, count, 6)
    rows = ceil(count / columns)
    figure = canvas(size * columns, size * rows)
    for place in range(count):
        figure.add_subplot(rows, columns, place + 1).set_axis_off()
    return figure


def batch_grid(
    images: Tensor,
    *,
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    caption: str = "",
    value_range: ValueRange = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a batch of images side by side in one panel.

    Shapes: B images, C channels (1 or 3), H height, W width.

    Args:
        images: uint8, bool or floating, ``[B, C, H, W]`` or ``[B, H, W]``, any device; B at least 1.
        captions: B short texts, one above each image (labels, predictions).
        columns: images in a row, at least 1; None: at most 8.
        caption: title of the panel.
        value_range: as in ``image``; one for the whole batch, so that brightness can be compared.
        ax: panel to draw into; None opens a figure.

    Returns:
        The panel. Image i is drawn in row ``i // columns`` and column ``i % columns``; the last row may be short. Pixels that are NaN or
        infinite are magenta, and counted below.

    Raises:
        TypeError: no tensor, or a dtype that is no image's.
        ValueError: a shape that is no batch, an empty batch, floats outside 0..1 without ``value_range``, another number of captions.

    Example:
        >>> panel = batch_grid(torch.rand(10, 3, 8, 8), captions=[str(i) for i in range(10)], columns=5)
        >>> [text.get_text() for text in panel.texts][:3]
        ['0', '1', '2']
    """
    colours, told = batch_rgb(images, "images", value_range)
    count, height, width = colours.shape[:3]
    if captions is not None and len(captions) != count:
        raise ValueError(f"captions has {len(captions)} entries and images {count}; give one text an image, '' for none")
    columns = _columns(columns, count, 8)
    gap, room = _gap(height, width), (max(2, round(0.28 * height)) if captions is not None else 0)
    rows = ceil(count / columns)
    panel = axes(ax, max(1.5, _TILE_INCHES * columns), max(1.2, _TILE_INCHES * rows * (height + room) / width))
    imshow(panel, _mosaic(colours, columns, gap, room))
    for place, text in enumerate(captions or ()):
        x, y = _corner(place, columns, height, width, gap, room)
        panel.text(x + (width - 1) / 2, y - 0.6, str(text), ha="center", va="bottom", fontsize=SMALL_PT, color="black")
    title(panel, caption)
    note(panel, told)
    return panel


def latent_walk(
    images: Tensor,
    values: Sequence[float],
    name: str = "latent value",
    *,
    row_values: Sequence[float] | None = None,
    row_name: str = "",
    caption: str = "",
    value_range: ValueRange = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what a generator makes along one latent axis, or over a grid of two.

    Shapes: N steps along the axis, R rows, C channels (1 or 3), H height, W width.

    Args:
        images: uint8, bool or floating, ``[N, C, H, W]`` for a strip or ``[R, N, C, H, W]`` for a grid, any device.
        values: N numbers, the latent value of each column.
        name: what the numbers are, with a unit where they have one; stands under the axis.
        row_values: R numbers, the latent value of each row; needed for a grid, refused for a strip.
        row_name: what those numbers are.
        caption: title of the panel.
        value_range: as in ``image``.
        ax: panel to draw into; None opens a figure.

    Returns:
        The panel; its ticks stand at the middle of each image and carry the values.

    Raises:
        TypeError: no tensor, or a dtype that is no image's.
        ValueError: a shape that is neither, numbers that do not match it, floats outside 0..1 without ``value_range``.

    Example:
        >>> panel = latent_walk(torch.rand(3, 1, 8, 8), [-1.0, 0.0, 1.0], name="z, standard deviations")
        >>> [tick.get_text() for tick in panel.get_xticklabels()]
        ['−1', '0', '1']
    """
    grid = isinstance(images, Tensor) and images.ndim == 5
    if grid != (row_values is not None):
        shape = tuple(getattr(images, "shape", ()))
        raise ValueError(
            f"images.shape {shape} with row_values {row_values}: a grid is [R, N, C, H, W] and needs row_values, a strip is "
            "[N, C, H, W] and takes none; reshape a flat grid with images.unflatten(0, (R, N))"
        )
    if not grid and isinstance(images, Tensor) and images.ndim != 4:
        raise ValueError(f"images.shape {tuple(images.shape)} must be [N, C, H, W] or [R, N, C, H, W]; add a channel axis with [:, None]")
    columns = images.shape[1] if grid else len(values)
    colours, told = batch_rgb(images.flatten(0, 1) if grid else images, "images", value_range)
    rows = images.shape[0] if grid else 1
    for word, given, wanted in (("values", values, images.shape[1 if grid else 0]), ("row_values", row_values, rows)):
        if given is not None and len(given) != wanted:
            raise ValueError(f"{word} has {len(given)} numbers and images.shape is {tuple(images.shape)}; give {wanted}, one an image")
    height, width = colours.shape[1:3]
    gap = _gap(height, width)
    panel = axes(ax, max(2.5, _TILE_INCHES * columns + 0.5), max(1.5, _TILE_INCHES * rows * height / width + 0.6))
    imshow(panel, _mosaic(colours, columns, gap, 0))
    panel.set_axis_on()
    panel.spines[:].set_visible(False)
    panel.tick_params(length=2, color=GREY, labelsize=SMALL_PT)
    panel.set_xticks([_corner(i, columns, height, width, gap, 0)[0] + (width - 1) / 2 for i in range(columns)], _numbers(values))
    panel.set_xlabel(name, fontsize=LABEL_PT)
    if row_values is None:
        panel.set_yticks([])
    else:
        middles = [_corner(i * columns, columns, height, width, gap, 0)[1] + (height - 1) / 2 for i in range(rows)]
        panel.set_yticks(middles, _numbers(row_values))
        panel.set_ylabel(row_name, fontsize=LABEL_PT)
    title(panel, caption)
    note(panel, told)
    return panel


def _mosaic(colours: np.ndarray, columns: int, gap: int, room: int) -> np.ndarray:
    """Lay images out on white, ``gap`` pixels apart and with ``room`` pixels above each row for its captions."""
    count, height, width = colours.shape[:3]
    rows = ceil(count / columns)
    whole = np.ones((rows * (height + room + gap) - gap, columns * (width + gap) - gap, 3))
    for place, tile in enumerate(colours):
        x, y = _corner(place, columns, height, width, gap, room)
        whole[y : y + height, x : x + width] = tile
    return whole


def _corner(place: int, columns: int, height: int, width: int, gap: int, room: int) -> tuple[int, int]:
    row, column = divmod(place, columns)
    return column * (width + gap), row * (height + room + gap) + room


def _gap(height: int, width: int) -> int:
    return max(1, round(min(height, width) / 16))


def _columns(columns: int | None, count: int, most: int) -> int:
    if columns is None:
        return min(count, most)
    _at_least_one("columns", columns)
    return min(columns, count)


def _numbers(values: Sequence[float]) -> list[str]:
    return [f"{float(value):.3g}".replace("-", "−") for value in values]


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} {value} must be at least 1")
