"""The bench of the sandbox's tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_bench import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Programs inside the walls, for the duration of one test."""
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def open_home() -> Iterator[Path]:
    """A folder that every user can reach, unlike tmp_path, whose parents belong to one user alone."""
    folder = Path(tempfile.mkdtemp(prefix="vislab-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
