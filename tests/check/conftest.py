"""A file of public cases in the place where a notebook looks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from case_files import write_cases

from vislab.check.budget import JUDGE_VARIABLE
from vislab.check.public_cases import CASES_VARIABLE


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, in the place where a notebook looks for it; no judge."""
    path = tmp_path / "cases.h5"
    write_cases(path)
    monkeypatch.setenv(CASES_VARIABLE, str(path))
    monkeypatch.delenv(JUDGE_VARIABLE, raising=False)
    return path


@pytest.fixture
def edit(cases: Path) -> Callable[[Callable[[h5py.File], None]], Path]:
    """Change the file."""

    def apply(change: Callable[[h5py.File], None]) -> Path:
        with h5py.File(cases, "r+") as file:
            change(file)
        return cases

    return apply
