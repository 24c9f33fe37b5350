"""What the journeys share: the libraries of a fresh machine and the wheel, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from fresh_machine import ASSIGNMENT, ROOT, bundle, libraries

from autograder.authoring.wheel import build_wheel


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return libraries(tmp_path_factory.mktemp("machine") / "site")


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    return bundle(build_wheel(ROOT, folder / "wheel"), folder / f"{ASSIGNMENT}.zip")
