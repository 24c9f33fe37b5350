"""A handful of hand-made drawings, the icons file built from them, and the wheel where it is installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from data_scripts.builder import Builder, Content, Progress, Stored
from data_scripts.discovery import builders
from data_scripts.icons.content import content
from data_scripts.icons.drawing import DrawingError, wheel_folder
from data_scripts.production import read, write

DRAWINGS = Path(__file__).parent / "drawings"


def silent(what: str, total: int | None) -> Callable[[str], None]:
    return lambda line: None


def from_drawings(count: int, seed: int, progress: Progress) -> Content:
    return content(DRAWINGS, count, seed, progress)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Minutes of building and training are left to whoever asks for them; the quick variants always run."""
    if item.get_closest_marker("slow") and not os.environ.get("VISLAB_SLOW"):
        pytest.skip("slow: set VISLAB_SLOW=1 to run it")


@pytest.fixture(scope="session")
def progress() -> Progress:
    return silent


@pytest.fixture(scope="session")
def toy() -> Builder:
    """The icons' builder over the hand-made drawings, all of them by default."""
    return replace(builders()["icons"], build=from_drawings, count=17, quick_count=17)


@pytest.fixture(scope="session")
def stored(toy: Builder, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """The icons file of the hand-made drawings, as read back. Tests that spoil it copy it first."""
    path = tmp_path_factory.mktemp("toy") / "icons.h5"
    write(toy, path, toy.count, 0, silent)
    return read(path)


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The folder of drawings in the pinned wheel."""
    try:
        return wheel_folder()
    except DrawingError as error:
        pytest.skip(f"mkdocs-material is not installed: {error}")
