"""Heatmaps and attention maps over the image that they speak of."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from vislab.show.pixels import ValueRange, imshow, lay, maps, points, rgb
from vislab.show.style import (
    CYCLE,
    MARKER_PT,
    NOT_FINITE,
    SMALL_PT,
    VALUES,
    axes,
    colormap,
    halo,
    keep_limits,
    not_finite,
    note,
    parent,
    title,
)

# the map never hides the image that it lies on.
_OPACITY_MAX = 0.75


def heatmap(
    heatmaps: Tensor,
    *,
    picture: Tensor | None = None,
    joints: Tensor | None = None,
    names: Sequence[str] | None = None,
    caption: str = "",
    value_range: ValueRange = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw heatmaps, each in a colour of its own where there are several, over their image if there is one.

    Shapes: J joints, h × w pixels of a map, H × W pixels of the image.

    Args:
        heatmaps: ``[J, h, w]`` or ``[h, w]``, any real dtype and device; may be coarser than the image.
        picture: image as ``image`` takes it.
        joints: ``[J, 2]``, x then y, pixels of the picture (of the map, where there is none): marked by crosses.
        names: J names, for a legend.
        caption: title of the panel.
        value_range: as in ``image``; of the picture, not of the maps.
        ax: panel to draw into; None opens a figure.

    Returns:
        The panel. One map alone without a picture is drawn in viridis with a colour bar, in its own numbers. Otherwise a map is the more
        opaque the higher it is, from its least to its greatest value; a map that is equal throughout has no peak and is not drawn, which
        is said below. Values that are NaN or infinite are magenta and counted.

    Raises:
        TypeError: no tensor, or a complex one.
        ValueError: a shape that is not as above, another number of joints or names than maps.

    Convention:
        A coarse map covers the whole image: each of its pixels is a block of H / h × W / w image pixels (``align_corners=False``).

    Example:
        >>> panel = heatmap(torch.eye(4)[None], picture=torch.zeros(8, 8))
        >>> [float(edge) for edge in panel.images[1].get_extent()]
        [-0.5, 7.5, 7.5, -0.5]
    """
    layers = maps(heatmaps, "heatmaps")
    crosses = None if joints is None else points(joints, "joints")
    for word, given in (("joints", crosses), ("names", names)):
        if given is not None and len(given) != len(layers):
            raise ValueError(f"{word} has {len(given)} entries and heatmaps {len(layers)}; give one a map")
    under = rgb(picture, "picture", value_range) if picture is not None else None
    panel = axes(ax)
    if picture is None and len(layers) == 1:
        drawn = imshow(panel, np.ma.masked_invalid(layers[0]), cmap=colormap(VALUES))
        panel.figure.colorbar(drawn, ax=panel, shrink=0.8).ax.tick_params(labelsize=SMALL_PT)
    else:
        _layers(panel, layers, under, names)
    if crosses is not None:
        with keep_limits(panel, fixed=True):
            for joint, cross in enumerate(crosses):
                shade = "white" if len(layers) == 1 and picture is None else CYCLE[joint % len(CYCLE)]
                effects = halo("black" if shade == "white" else "white")
                panel.plot(*cross, marker="+", markersize=MARKER_PT + 4, color=shade, linestyle="", path_effects=effects, zorder=4)
        note(panel, not_finite("joints", crosses, "coordinate"))
    title(panel, caption)
    note(panel, not_finite("heatmaps", layers))
    return panel


def attention(
    weights: Tensor,
    picture: Tensor,
    words: Sequence[str],
    *,
    columns: int = 6,
    value_range: ValueRange = None,
    figure: Figure | SubFigure | None = None,
) -> Figure | SubFigure:
    """Draw where a model looked for each word that it said.

    Shapes: T words, h × w places of the attention, H × W pixels of the image.

    Args:
        weights: ``[T, h, w]``, at least 0, any real dtype and device; usually each map sums to 1.
        picture: image as ``image`` takes it.
        words: T words, one above each panel, with the map's greatest weight.
        columns: panels in a row, at least 1; the first panel is the image alone.
        value_range: as in ``image``.
        figure: figure or subfigure to draw into; None opens one.

    Returns:
        The figure; ``figure.axes`` are the image and then one panel a word. All words share one scale, from 0 to the greatest weight of
        all: a word that looks everywhere at once stays pale, and one that is 0 everywhere shows the image. Values that are NaN or
        infinite are magenta and counted.

    Raises:
        TypeError: no tensor, or a complex one.
        ValueError: a shape that is not as above, a negative weight, another number of words than maps.

    Convention:
        A place of the attention covers a block of H / h × W / w image pixels, and is drawn as one, not smoothed.

    Example:
        >>> figure = attention(torch.full((2, 2, 2), 0.25), torch.rand(3, 8, 8), ["a", "cup"])
        >>> [panel.get_title() for panel in figure.axes]
        ['', 'a · 0.25', 'cup · 0.25']
    """
    layers = maps(weights, "weights")
    if len(words) != len(layers):
        raise ValueError(f"words has {len(words)} entries and weights {len(layers)} maps; give one word a map")
    if columns < 1:
        raise ValueError(f"columns {columns} must be at least 1")
    finite = np.isfinite(layers)
    low = layers[finite].min(initial=0.0)
    if low < 0:
        raise ValueError(
            f"weights has a least value of {low:.4g}; attention is at least 0; pass the weights after the softmax, not the scores"
        )
    columns = min(columns, len(layers) + 1)
    rows = ceil((len(layers) + 1) / columns)
    under = rgb(picture, "picture", value_range)
    whole = parent(figure, 1.5 * columns, 1.75 * rows)
    top = layers[finite].max(initial=0.0)
    for place in range(len(layers) + 1):
        panel = whole.add_subplot(rows, columns, place + 1)
        lay(panel, under)
        if place == 0:
            continue
        layer, sure = layers[place - 1], finite[place - 1]
        _overlay(panel, layer, sure, 0.0, top, colormap(VALUES)(np.where(sure, layer / top if top else 0.0, 0.0))[..., :3])
        peak = f"{layer[sure].max():.2g}" if sure.any() else "no number"
        title(panel, f"{words[place - 1]} · {peak}")
        note(panel, not_finite("weights", layer))
    return whole


def _layers(panel: Axes, layers: np.ndarray, under: tuple[np.ndarray, str] | None, names: Sequence[str] | None) -> None:
    if under is not None:
        lay(panel, under)
    else:
        imshow(panel, np.full((*layers.shape[1:], 3), 0.08))
    flat = []
    for joint, layer in enumerate(layers):
        sure = np.isfinite(layer)
        low, high = layer[sure].min(initial=np.inf), layer[sure].max(initial=-np.inf)
        if sure.any() and low == high:
            flat.append(names[joint] if names is not None else str(joint))
        shade = CYCLE[joint % len(CYCLE)]
        _overlay(panel, layer, sure, low, high, np.broadcast_to(to_rgb(shade), (*layer.shape, 3)))
        if names is not None:
            panel.plot([], [], marker="s", linestyle="", color=shade, label=names[joint])
    if names is not None:
        # beside the picture, where it covers nothing.
        panel.legend(fontsize=SMALL_PT, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, handletextpad=0.2)
    if flat:
        note(panel, f"equal throughout: {'map' if len(flat) == 1 else 'maps'} {', '.join(flat)}")


def _overlay(panel: Axes, layer: np.ndarray, sure: np.ndarray, low: float, high: float, colours: np.ndarray) -> None:
    """Lay one map over the picture in ``panel``, transparent at ``low`` and densest at ``high``."""
    left, right, bottom, top = panel.images[0].get_extent()
    shown = np.empty((*layer.shape, 4))
    shown[..., :3] = colours
    # an all-equal map has no range to divide by, and no peak to show.
    shown[..., 3] = _OPACITY_MAX * (np.where(sure, layer - low, 0.0) / (high - low)) if high > low else 0.0
    shown[~sure] = (*to_rgb(NOT_FINITE), 1.0)
    imshow(panel, shown, extent=(left, right, bottom, top))
