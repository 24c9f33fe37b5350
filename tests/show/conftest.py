"""Every test starts without figures, under settings that are not matplotlib's own, and must leave those settings as they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest

# each of these would turn or blur a picture that relied on it.
HOSTILE = {"image.origin": "lower", "image.interpolation": "bilinear", "image.cmap": "hot", "image.aspect": "auto", "axes.grid": True}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    plt.close("all")

    def shown(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a picture called plt.show()")

    monkeypatch.setattr(plt, "show", shown)
    with matplotlib.rc_context():
        # whatever another room's tests have set is not what is tried here.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(HOSTILE)
        before = dict(matplotlib.rcParams)
        yield
        changed = [name for name, value in matplotlib.rcParams.items() if before[name] != value]
        assert changed == [], "a picture changed the notebook's own settings"
    plt.close("all")
