"""The style: colours that colour-blind readers tell apart, examples that run, a page that is up to date."""

from __future__ import annotations

import doctest
import importlib
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from vislab.show import gallery
from vislab.show.errors import error_picture
from vislab.show.style import CYCLE, EXPECTED, GOT, SIDES, Picture

MODULES = ("curves", "errors", "gallery", "grids", "heatmaps", "pixels", "polygons", "skeletons", "style")
# Viénot, Brettel and Mollon 1999: what a protanope and a deuteranope see, on linear RGB.
BLINDNESS = {
    "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}


def seen(colour: str, kind: str) -> np.ndarray:
    linear = np.asarray(to_rgb(colour)) ** 2.2
    return np.clip(np.asarray(BLINDNESS[kind]) @ linear, 0, 1) ** (1 / 2.2)


def apart(colours: list[str], kind: str) -> float:
    return min(float(np.abs(seen(one, kind) - seen(other, kind)).max()) for one, other in combinations(colours, 2))


@pytest.mark.parametrize("kind", list(BLINDNESS))
def test_colours_are_told_apart_without_red_or_green(kind: str) -> None:
    assert apart(list(SIDES.values()), kind) > 0.2 and apart([EXPECTED, GOT], kind) > 0.1 and apart(list(CYCLE), kind) > 0.1


@pytest.mark.parametrize("kind", list(BLINDNESS))
def test_a_red_and_a_green_that_look_alike_would_be_seen(kind: str) -> None:
    assert apart(["#8c6d00", "#5a8f00", *CYCLE], kind) < 0.2


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    module = importlib.import_module(f"vislab.show.{name}")
    result = doctest.testmod(module, extraglobs={"torch": torch})
    assert result.failed == 0
    assert result.attempted > 0 or name == "style"


def test_every_public_function_has_an_example() -> None:
    show = importlib.import_module("vislab.show")
    for name in show.__all__:
        text = getattr(show, name).__doc__
        assert all(part in text for part in ("Args:", "Returns:", "Raises:", "Example:")), name


def test_the_page_holds_every_picture_and_its_file_is_there(tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gallery.main([str(tmp_path / "show.png")]) == 0 and plt.get_fignums() == []
    made, kept = plt.imread(tmp_path / "show.png"), plt.imread(root / "docs" / "pictures" / "show.png")
    assert (root / "docs" / "pictures" / "show.png").stat().st_size < 300_000
    assert made.shape == kept.shape
    # fonts differ in a few pixels between versions; a picture that is missing or stale differs in many.
    assert (np.abs(made - kept).max(-1) > 0.2).mean() < 0.02
    assert gallery.main([]) == 2 and "usage: python -m vislab.show.gallery PATH.png" in capsys.readouterr().err


def test_a_stale_page_would_be_seen(root: Path) -> None:
    kept = plt.imread(root / "docs" / "pictures" / "show.png")
    stale = kept.copy()
    # one row of pictures of another colour.
    stale[: len(stale) // 6] = stale[: len(stale) // 6, ::-1]
    assert (np.abs(stale - kept).max(-1) > 0.2).mean() > 0.02


@pytest.mark.parametrize(("backend", "left_open"), [("module://matplotlib_inline.backend_inline", False), ("agg", True)])
def test_a_figure_that_displays_itself_is_closed_for_the_inline_backend(
    monkeypatch: pytest.MonkeyPatch, backend: str, left_open: bool
) -> None:
    import IPython.display

    displayed: list[bytes] = []
    monkeypatch.setattr(IPython.display, "display", lambda image: displayed.append(image.data))
    monkeypatch.setattr(plt, "get_backend", lambda: backend)
    figure = error_picture(torch.zeros(2, 2), torch.ones(2, 2))
    assert isinstance(figure, Picture) and isinstance(figure, Figure)
    figure._ipython_display_()
    assert bool(plt.get_fignums()) is left_open
    # a closed figure can be shown again in a later cell.
    figure._ipython_display_()
    assert len(displayed) == 2 and all(picture.startswith(b"\x89PNG") for picture in displayed)
