"""Polygons whose order of vertices can be seen: where they start, which way they run, and one colour a vertex."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgba
from torch import Tensor

from vislab.show.pixels import ValueRange, array, lay, rgb
from vislab.show.style import (
    BLACK,
    GREY,
    LINE_PT,
    MARKER_PT,
    RED,
    SMALL_PT,
    VALUES,
    axes,
    colormap,
    keep_limits,
    line_halo,
    not_finite,
    note,
    title,
)

_ARROWS = 3


def polygon(
    vertices: Tensor,
    *,
    values: Tensor | None = None,
    values_name: str = "vertex",
    picture: Tensor | None = None,
    y_up: bool = False,
    closed: bool = True,
    filled: bool = False,
    colour: str | None = None,
    caption: str = "",
    value_range: ValueRange = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw polygons so that correspondence can be judged: vertex colours follow the order, the start is ringed, arrows show the direction.

    Shapes: P polygons, V vertices, C channels (1 or 3), H height, W width.

    Args:
        vertices: ``[V, 2]`` or ``[P, V, 2]``, x then y, any real dtype and device; V at least 2. With a picture: its pixels.
        values: ``[V]``, what the vertex colours mean instead of the order, such as an error; gets a colour bar.
        values_name: what the values are, with their unit.
        picture: image as ``image`` takes it.
        y_up: y grows upwards, as in standardised coordinates; refused with a picture, whose y grows downwards.
        closed: draw the edge from the last vertex to the first.
        filled: fill the inside, grey.
        colour: one colour for edges and vertices, instead of the vertex colours; to tell an answer from the truth.
        caption: title of the panel.
        value_range: as in ``image``.
        ax: panel to draw into; None opens a figure.

    Returns:
        The panel. Vertices that are NaN or infinite, and their edges, are left out and counted below it.

    Raises:
        TypeError: no tensor, or a complex one.
        ValueError: a shape that is not as above, values that do not match, ``y_up`` with a picture.

    Example:
        >>> panel = polygon(torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]))
        >>> len(panel.collections[0].get_segments())
        3
    """
    outlines = _outlines(vertices)
    scale = _scale(values, outlines.shape[1])
    if picture is not None and y_up:
        raise ValueError("y_up True does not go with a picture, whose y grows downwards; mirror the vertices: y -> (H - 1) - y")
    under = rgb(picture, "picture", value_range) if picture is not None else None
    panel = axes(ax)
    if under is not None:
        lay(panel, under)
    with keep_limits(panel, fixed=picture is not None):
        for outline in outlines:
            _outline(panel, outline, scale, closed, filled, colour)
        if picture is None:
            _paper(panel, y_up)
    if values is not None and colour is None:
        bar = panel.figure.colorbar(ScalarMappable(Normalize(*_span(scale)), colormap(VALUES)), ax=panel, shrink=0.8)
        bar.set_label(values_name, fontsize=SMALL_PT)
        bar.ax.tick_params(labelsize=SMALL_PT)
    title(panel, caption)
    note(panel, not_finite("vertices", outlines, "coordinate"))
    note(panel, not_finite("values", scale) if values is not None else "")
    return panel


def _outline(panel: Axes, outline: np.ndarray, scale: np.ndarray, closed: bool, filled: bool, colour: str | None) -> None:
    finite = np.isfinite(outline).all(1)
    starts = np.arange(len(outline) if closed else len(outline) - 1)
    ends = (starts + 1) % len(outline)
    keep = finite[starts] & finite[ends]
    starts, ends = starts[keep], ends[keep]
    if filled and finite.all():
        panel.fill(outline[:, 0], outline[:, 1], color=GREY, alpha=0.25, linewidth=0, zorder=1)
    shades = np.broadcast_to(to_rgba(colour), (len(outline), 4)) if colour else _shades(scale)
    # an edge has its first vertex's colour, so that the jump from last to first shows at the start alone.
    lines = list(np.stack([outline[starts], outline[ends]], axis=1))
    panel.add_collection(LineCollection(lines, colors=shades[starts], linewidths=LINE_PT, zorder=2, path_effects=line_halo(LINE_PT)))
    size = (MARKER_PT - 1.5) ** 2
    panel.scatter(outline[finite, 0], outline[finite, 1], s=size, color=shades[finite], linewidths=0, zorder=3, gid="vertices")
    _direction(panel, outline[starts], outline[ends])
    if finite[0]:
        panel.plot(
            *outline[0], marker="o", markersize=MARKER_PT + 5, markerfacecolor="none", markeredgecolor=colour or RED, markeredgewidth=1.6,
            linestyle="", zorder=4, gid="start",
        )  # fmt: skip


def _direction(panel: Axes, starts: np.ndarray, ends: np.ndarray) -> None:
    """Put a few arrow heads at equal arc length, on the longest edge near by, pointing the way the vertices run."""
    lengths = np.linalg.norm(ends - starts, axis=1) if len(starts) else np.zeros(0)
    if not lengths.sum() > 0:
        return
    middles = np.cumsum(lengths) - lengths / 2
    for part in range(_ARROWS):
        near = np.abs(middles - lengths.sum() * (part + 0.5) / _ARROWS)
        edge = int(np.argmin(near + np.where(lengths > 0, 0.0, np.inf)))
        middle, step = (starts[edge] + ends[edge]) / 2, (ends[edge] - starts[edge]) / lengths[edge]
        # the head alone: annotate shrinks nothing, and the tail is shorter than the head.
        panel.annotate(
            "", xy=tuple(middle + step * lengths[edge] * 1e-2), xytext=tuple(middle - step * lengths[edge] * 1e-2), zorder=5,
            arrowprops={"arrowstyle": "-|>,head_length=0.65,head_width=0.36", "color": BLACK, "linewidth": 0, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip


def _paper(panel: Axes, y_up: bool) -> None:
    panel.set_aspect("equal", adjustable="datalim")
    panel.margins(0.08)
    panel.autoscale_view()
    if panel.yaxis_inverted() == y_up:
        panel.invert_yaxis()
    panel.tick_params(labelsize=SMALL_PT)


def _outlines(vertices: Tensor) -> np.ndarray:
    plain = array(vertices, "vertices")
    if plain.ndim not in (2, 3) or plain.shape[-1] != 2 or plain.shape[-2] < 2:
        remedy = "turn it with vertices.mT" if plain.ndim in (2, 3) and plain.shape[-2] == 2 else "x and y are the last axis"
        raise ValueError(f"vertices.shape {tuple(vertices.shape)} must be [V, 2] or [P, V, 2] with V at least 2; {remedy}")
    if plain.ndim == 3 and len(plain) == 0:
        raise ValueError(f"vertices.shape {tuple(vertices.shape)} holds no polygon; P must be at least 1")
    return plain if plain.ndim == 3 else plain[None]


def _scale(values: Tensor | None, count: int) -> np.ndarray:
    if values is None:
        return np.arange(count, dtype=np.float64)
    scale = array(values, "values")
    if scale.shape != (count,):
        raise ValueError(f"values.shape {tuple(values.shape)} must be ({count},), one number a vertex")
    return scale


def _shades(scale: np.ndarray) -> np.ndarray:
    return colormap(VALUES)(Normalize(*_span(scale))(np.ma.masked_invalid(scale)))


def _span(scale: np.ndarray) -> tuple[float, float]:
    finite = scale[np.isfinite(scale)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    # equal values need a range of some width, or the colour bar has none.
    return (low, high) if low < high else (low - 0.5, high + 0.5)
