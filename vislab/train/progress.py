"""What a person sees while a model trains: a bar everywhere, a figure in notebooks, nothing in continuous integration."""

from __future__ import annotations

import sys
import time
from typing import Any

from matplotlib.figure import Figure
from tqdm import tqdm

from vislab.check.budget import silent
from vislab.show.style import png
from vislab.train.history import History

_PAUSE_S, _SHARE = 1.0, 0.05


def in_notebook() -> bool:
    """Return whether this process is a notebook's kernel: only there can a figure be replaced in place."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


class Progress:
    """A tqdm bar and, in a notebook, one figure that is replaced in place.

    Args:
        total: steps of the whole run.
        done: steps that an earlier run took.
        live: whether to draw the figure at all.
    """

    def __init__(self, total: int, done: int, live: bool) -> None:
        quiet = silent()
        # standard output, since notebooks colour standard error as if something had failed.
        self._bar = tqdm(total=total, initial=done, disable=quiet, file=sys.stdout, unit="step", leave=True)
        self._figure = LiveFigure() if live and not quiet and in_notebook() else None

    def update(self, history: History) -> None:
        """Tell of one more step."""
        self._bar.update(1)
        if not self._bar.disable:
            said = {"loss": f"{history.losses[-1]:.4g}"}
            if history.validations:
                said["validation"] = f"{history.validations[-1][1]:.4g}"
            self._bar.set_postfix(said, refresh=False)
        if self._figure is not None:
            self._figure.update(history)

    def close(self, history: History) -> None:
        """Leave the bar and the figure as they are at the end."""
        self._bar.close()
        if self._figure is not None and history.losses:
            self._figure.update(history, last=True)


class LiveFigure:
    """One picture in a notebook's output, replaced at most once a second and in at most a twentieth of the time."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._next_s = time.monotonic() + _PAUSE_S

    def update(self, history: History, last: bool = False) -> None:
        """Draw the curves as they are, unless the last picture is too recent."""
        start_s = time.monotonic()
        if start_s < self._next_s and not last:
            return
        from IPython.display import Image, display

        # a figure of its own, which matplotlib does not know and so does not show a second time.
        figure = Figure(figsize=(5.0, 3.0), dpi=80, layout="constrained")
        history.draw(ax=figure.add_subplot())
        picture = Image(data=png(figure), format="png")
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
        end_s = time.monotonic()
        self._next_s = end_s + max(_PAUSE_S, (end_s - start_s) / _SHARE)
