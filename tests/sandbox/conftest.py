"""The bench of the sandbox's tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_bench import Bench

from autograder.sandbox import forked_sandbox
from autograder.sandbox.keeper import warm_server

# "forked" runs the whole room's programs from a fork server: VISLAB_TEST_START=forked python -m pytest tests/sandbox.
START = os.environ.get("VISLAB_TEST_START", "fresh")


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Programs inside the walls, for the duration of one test; ``indirect`` "forked" takes them from this process's fork server."""
    made = Bench(server=warm_server() if getattr(request, "param", START) == "forked" else None)
    yield made
    made.close()


@pytest.fixture
def open_home() -> Iterator[Path]:
    """A folder that every user can reach, unlike tmp_path, whose parents belong to one user alone."""
    folder = Path(tempfile.mkdtemp(prefix="vislab-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def no_faults_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that saw its fork server fail a few times gives it up; what one test provokes is not the next one's."""
    monkeypatch.setattr(forked_sandbox, "_faults", [])
