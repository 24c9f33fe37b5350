"""The picture of an error: expected, got, and the difference with its sign."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from vislab.show.pixels import ValueRange, array, checked_range, imshow, lay, rgb
from vislab.show.style import DIFFERENCES, SMALL_PT, VALUES, colormap, not_finite, note, parent, title


def error_picture(
    expected: Tensor,
    got: Tensor,
    *,
    names: Sequence[str] = ("expected", "got", "difference"),
    caption: str = "",
    value_range: ValueRange = None,
    figure: Figure | SubFigure | None = None,
) -> Figure | SubFigure:
    """Draw what was expected, what came, and got − expected.

    Shapes: H height, W width.

    Args:
        expected: ``[H, W]`` or ``[1, H, W]`` for a map of numbers, ``[3, H, W]`` for an image; any real dtype and device.
        got: same shape.
        names: titles of the three panels.
        caption: title of the whole.
        value_range: of an image as in ``image``; of a map, the numbers at both ends of the colours. None: least and greatest of both.
        figure: figure or subfigure to draw into; None opens one.

    Returns:
        The figure; ``figure.axes[:3]`` are the panels. Both maps share one scale. The difference runs from blue (too low) over white to
        red (too high), its scale the same on both sides of 0; its title says the greatest difference and where it is, or ``none``. Of an
        image's three channels each pixel shows the one that differs most. What is NaN or infinite is magenta and counted.

    Raises:
        TypeError: no tensor, or a complex one.
        ValueError: another shape, two shapes that differ, an empty map, other than three names.

    Convention:
        The difference is got − expected: red where the answer is too high.

    Example:
        >>> figure = error_picture(torch.zeros(2, 3), torch.tensor([[0.0, 0.0, 0.0], [0.0, -2.0, 1.0]]))
        >>> figure.axes[2].get_title()
        'difference: −2 at x 1, y 1'
    """
    right, wrong = array(expected, "expected"), array(got, "got")
    if right.shape != wrong.shape:
        raise ValueError(f"got.shape {wrong.shape} must equal expected.shape {right.shape}; the difference is taken pixel by pixel")
    if not (right.ndim == 2 or (right.ndim == 3 and right.shape[0] in (1, 3))) or right.size == 0:
        raise ValueError(
            f"expected.shape {right.shape} must be [H, W], [1, H, W] or [3, H, W] with at least one pixel; "
            "of a batch pass one, as in expected[0]"
        )
    if len(names) != 3:
        raise ValueError(f"names has {len(names)} entries; it must have 3: expected, got, difference")
    coloured = right.ndim == 3 and right.shape[0] == 3
    pictures = [rgb(picture, word, value_range) for picture, word in ((expected, "expected"), (got, "got"))] if coloured else []
    if value_range is not None:
        checked_range(value_range)
    whole = parent(figure, 8.4, 2.9)
    panels = [whole.add_subplot(1, 3, place + 1) for place in range(3)]
    for panel, under, name in zip(panels, pictures, names):
        lay(panel, under)
        title(panel, name)
    if not coloured:
        _both_maps(panels, right, wrong, names, value_range)
    _difference(panels[2], wrong - right if right.ndim == 3 else (wrong - right)[None], names[2])
    if caption:
        whole.suptitle(caption, fontsize=11)
    return whole


def _both_maps(panels: Sequence[Axes], right: np.ndarray, wrong: np.ndarray, names: Sequence[str], value_range: ValueRange) -> None:
    both = np.stack([right.reshape(right.shape[-2:]), wrong.reshape(right.shape[-2:])])
    finite = both[np.isfinite(both)]
    low, high = value_range or ((finite.min(), finite.max()) if finite.size else (0.0, 1.0))
    if not low < high:
        # equal throughout: a scale of some width, with the value in its middle.
        low, high = low - 0.5, high + 0.5
    for panel, values, name, word in zip(panels, both, names, ("expected", "got")):
        drawn = imshow(panel, np.ma.masked_invalid(values), cmap=colormap(VALUES), vmin=low, vmax=high)
        title(panel, name)
        note(panel, not_finite(word, values))
    _bar(panels[1], drawn)


def _difference(panel: Axes, channels: np.ndarray, name: str) -> None:
    sure = np.isfinite(channels).all(0)
    size = np.where(sure, np.abs(channels), 0.0)
    most = np.take_along_axis(channels, size.argmax(0)[None], axis=0)[0]
    most = np.where(sure, most, np.nan)
    reach = float(size.max())
    # no difference at all: any scale shows white, and 0 would divide by itself.
    limit = reach if reach > 0 else 1.0
    drawn = imshow(panel, np.ma.masked_invalid(most), cmap=colormap(DIFFERENCES), vmin=-limit, vmax=limit)
    _bar(panel, drawn)
    if not sure.any():
        title(panel, f"{name}: no number")
    elif reach > 0:
        y, x = np.unravel_index(int(np.abs(np.nan_to_num(most)).argmax()), most.shape)
        title(panel, f"{name}: {most[y, x]:.3g} at x {x}, y {y}".replace("-", "−"))
    else:
        title(panel, f"{name}: none")
    note(panel, not_finite(name, most, "pixel"))


def _bar(panel: Axes, drawn: object) -> None:
    panel.figure.colorbar(drawn, ax=panel, shrink=0.8).ax.tick_params(labelsize=SMALL_PT)  # type: ignore[arg-type]
