"""Loss curves: one run, or the mean of several seeds with a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter
from torch import Tensor

from vislab.show.pixels import array
from vislab.show.style import CYCLE, LINE_PT, MARKER_PT, NOT_FINITE, SMALL_PT, axes, labels, note, plain_frame, title

_STYLES = ("-", "--", "-.", ":")


class _Decimal(LogFormatter):
    """Numbers of a logarithmic axis as 0.2 rather than 2 × 10⁻¹."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def loss_curves(
    curves: Mapping[str, Tensor | Sequence[float]],
    *,
    steps: Mapping[str, Tensor | Sequence[float]] | None = None,
    log: bool = False,
    x: str = "step",
    y: str = "loss",
    caption: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw how numbers went over training, with a band of one standard deviation where there are several seeds.

    Shapes: S seeds, T steps.

    Args:
        curves: name to numbers, ``[T]`` for one run or ``[S, T]`` for several seeds; tensors of any real dtype and device, or lists.
        steps: name to the T step numbers, for curves that were not taken at every step; others count from 1.
        log: logarithmic y axis; numbers that are not above 0 are refused.
        x, y: axis labels, with a unit where there is one.
        caption: title of the panel.
        ax: panel to draw into; None opens a figure.

    Returns:
        The panel: one line a curve, and for S at least 2 the mean with a band of ± one standard deviation over the seeds (divided by
        S − 1), which the legend says. Where a number is NaN or infinite the line has a gap, with a magenta mark on the x axis, and the
        first such step is named below.

    Raises:
        TypeError: curves that are no mapping, or a complex tensor.
        ValueError: no curve, an empty one, another rank, seeds of different lengths, step numbers that do not match, numbers not above 0
            with ``log``.

    Example:
        >>> panel = loss_curves({"training": torch.tensor([[3.0, 1.0], [5.0, 3.0]])})
        >>> panel.lines[0].get_ydata().tolist(), panel.get_legend().get_texts()[0].get_text()
        ([4.0, 2.0], 'training (mean ± sd of 2 seeds)')
    """
    if not isinstance(curves, Mapping):
        raise TypeError(f"curves is {type(curves).__name__}; it must map names to numbers, as in {{'training': losses}}")
    if not curves:
        raise ValueError("curves is empty; give at least one, as in {'training': losses}")
    checked = {name: _numbers(name, numbers, log) for name, numbers in curves.items()}
    places = {name: _steps(name, (steps or {}).get(name), runs.shape[1]) for name, runs in checked.items()}
    unknown = sorted(set(steps or ()) - set(curves))
    if unknown:
        raise ValueError(f"steps names {unknown[0]!r}, which is no curve; the curves are {', '.join(map(repr, curves))}")
    panel = axes(ax, 5.0, 3.2)
    plain_frame(panel)
    if log:
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(_Decimal())
        # numbers between the decades only where there are few decades.
        panel.yaxis.set_minor_formatter(_Decimal(minor_thresholds=(2, 0.5)))
    for number, (name, runs) in enumerate(checked.items()):
        colour, dashes = CYCLE[number % len(CYCLE)], _STYLES[number // len(CYCLE) % len(_STYLES)]
        _curve(panel, name, places[name], runs, colour, dashes, log, x)
    labels(panel, x, y)
    title(panel, caption)
    panel.legend(fontsize=SMALL_PT, frameon=False)
    return panel


def _curve(panel: Axes, name: str, place: np.ndarray, runs: np.ndarray, colour: str, dashes: str, log: bool, x: str) -> None:
    finite = np.isfinite(runs).all(0)
    shown = np.where(finite, runs, np.nan)
    mean = shown.mean(0)
    seeds = len(runs)
    if seeds > 1:
        spread = shown.std(0, ddof=1)
        # a logarithmic axis has no place for mean − sd below 0: the band then ends at the lowest seed.
        lower = np.where(mean - spread > 0, mean - spread, shown.min(0)) if log else mean - spread
        panel.fill_between(place, lower, mean + spread, where=finite, color=colour, alpha=0.2, linewidth=0)
    label = f"{name} (mean ± sd of {seeds} seeds)" if seeds > 1 else name
    # a point between two gaps, or a curve of one point, is no line.
    beside = np.pad(finite, 1)
    lonely = bool((finite & ~beside[:-2] & ~beside[2:]).any())
    panel.plot(place, mean, color=colour, linestyle=dashes, linewidth=LINE_PT, label=label, marker="." if lonely else "")
    if not finite.all():
        gaps = place[~finite]
        panel.plot(
            gaps, np.zeros(len(gaps)), marker="x", markersize=MARKER_PT, color=NOT_FINITE, linestyle="", clip_on=False, zorder=5,
            transform=panel.get_xaxis_transform(), gid="gaps",
        )  # fmt: skip
        first = runs[:, ~finite][:, 0]
        kind = "NaN" if np.isnan(first).any() else "infinite"
        note(panel, f"{name}: {kind} at {x} {gaps[0]:g}" + (f", {len(gaps)} gaps in all" if len(gaps) > 1 else ""))


def _numbers(name: str, numbers: Any, log: bool) -> np.ndarray:
    if not isinstance(numbers, Tensor):
        try:
            numbers = torch.as_tensor(np.asarray(numbers, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"curves[{name!r}] must be numbers, [T] or [S, T], of equal lengths; cut every seed to the shortest"
            ) from error
    runs = array(numbers, f"curves[{name!r}]")
    if runs.ndim not in (1, 2) or runs.size == 0:
        raise ValueError(f"curves[{name!r}].shape {runs.shape} must be [T] or [S, T], both at least 1; one number a step, one row a seed")
    finite = runs[np.isfinite(runs)]
    if log and finite.size and finite.min() <= 0:
        raise ValueError(
            f"curves[{name!r}] has a least value of {finite.min():.4g}; a logarithmic axis needs numbers above 0; pass log=False"
        )
    return runs if runs.ndim == 2 else runs[None]


def _steps(name: str, steps: Any, count: int) -> np.ndarray:
    if steps is None:
        return np.arange(1, count + 1, dtype=np.float64)
    place = array(steps if isinstance(steps, Tensor) else torch.as_tensor(np.asarray(steps, dtype=np.float64)), f"steps[{name!r}]")
    if place.shape != (count,):
        raise ValueError(f"steps[{name!r}].shape {place.shape} must be ({count},), one step number a number of the curve")
    return place
