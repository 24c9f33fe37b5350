"""The bench of the sandbox's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_bench import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Programs inside the walls, for the duration of one test."""
    made = Bench()
    yield made
    made.close()
