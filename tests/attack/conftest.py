"""A world, laid out once for all tests of this room that need one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
RANGE = TESTS / "attacks" / "range"


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder with a short path: Unix sockets are made below it, and the sandbox's user must pass through."""
    folder = Path(tempfile.mkdtemp(prefix="vt-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
