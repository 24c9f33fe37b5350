"""What the walks share: the system's Chromium, which reaches loopback alone, and the small course."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from PIL import Image
from small_course import graded, made

from autograder.engine.secret import FILE_VARIABLE, make_secret
from tests.conftest import chromium_program

if TYPE_CHECKING:
    from playwright.sync_api import Page

# of every single wait: a loaded machine is slow, and a walk that hangs ends all the same.
WAIT_MS = 120_000
# where it is set, the pictures of docs/ are taken anew into that folder.
PICTURES = "VISLAB_TAKE_PICTURES"


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """The root of a course whose assignment is built and released; nobody has handed in."""
    return made(tmp_path / "course")


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of the same course after grading."""
    folder = tmp_path_factory.mktemp("marked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FILE_VARIABLE, str(make_secret(folder / "secret")))
        yield graded(made(folder / "course"))


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a browser that reaches loopback and files, and nothing else."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium_program()), args=["--no-sandbox", "--disable-gpu"], timeout=WAIT_MS
        )
        try:
            context = browser.new_context(viewport={"width": 1100, "height": 860})
            context.route(lambda url: urlsplit(url).hostname not in {None, "", "127.0.0.1"}, lambda route: route.abort())
            context.set_default_timeout(WAIT_MS)
            yield context.new_page()
        finally:
            browser.close()


@pytest.fixture
def picture(page: Page) -> Callable[[str], None]:
    """A function that keeps a picture of the page for docs/, where somebody asked for pictures."""

    def take(name: str) -> None:
        if folder := os.environ.get(PICTURES):
            path = Path(folder) / f"{name}.png"
            page.screenshot(path=path)
            Image.open(path).convert("RGB").quantize(255, dither=Image.Dither.NONE).save(path, optimize=True)

    return take
