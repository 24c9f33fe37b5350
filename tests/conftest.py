"""Shared hooks of the suite: which marked tests can run on this machine."""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

# Triton reads its mode when it is first imported; on a machine without a GPU its kernels run in the interpreter.
os.environ.setdefault("TRITON_INTERPRET", "1")
os.environ.setdefault("VISLAB_CI", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import pytest
import torch
from compiled import run_compiled

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# A machine that promises a thing must have it: missing it there is a failure, elsewhere a skip by name.
PROMISES = {"needs_cuda": "VISLAB_PROMISE_CUDA", "needs_walls": "VISLAB_PROMISE_WALLS", "browser": "VISLAB_PROMISE_BROWSER"}
ORIGINAL_ICONS = ROOT.parent / "shared" / "data" / "ImagerIcon_subset.hdf5"


def postgres_program(name: str) -> Path | None:
    """Return one of PostgreSQL's own programs: Debian keeps them off PATH, one folder a version."""
    found = [Path(path) for path in (shutil.which(name),) if path] + sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return found[-1] if found else None


def chromium_program() -> Path | None:
    """Return the system's Chromium, or its sister Chrome: what a package of the system put on PATH."""
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    return next((Path(path) for path in found if path), None)


def _missing(mark: str) -> str | None:
    if mark == "needs_cuda":
        return None if torch.cuda.is_available() else "no CUDA device"
    if mark == "needs_walls":
        return None if shutil.which("bwrap") else "bubblewrap is not installed"
    if mark == "browser":
        return None if chromium_program() else "Chromium is not installed (Debian: chromium)"
    if mark == "needs_original":
        return None if ORIGINAL_ICONS.is_file() else "the original icon file is not here"
    if mark == "needs_postgres":
        if find_spec("psycopg") is None:
            return "psycopg is not installed"
        return None if postgres_program("initdb") else "PostgreSQL's programs are not installed (Debian: postgresql)"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test whose id holds an address: two workers, or two runs, would not agree on its name."""
    named = [item.nodeid for item in items if re.search(r" at 0x[0-9a-f]+", item.nodeid)]
    if named:
        raise pytest.UsageError(f"a test's id must not hold an address; give its parameters ids: {named[0]}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a marked test whose need is not met here."""
    for mark in ("needs_cuda", "needs_walls", "needs_original", "needs_postgres", "browser"):
        if item.get_closest_marker(mark) is None:
            continue
        why = _missing(mark)
        if why is None:
            continue
        promise = PROMISES.get(mark)
        if promise and os.environ.get(promise):
            pytest.fail(f"{mark}: {why}, and {promise} promises it", pytrace=False)
        pytest.skip(f"{mark}: {why}")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test marked ``needs_cuda(compiled=True)`` in a process without Triton's interpreter, where this one has it."""
    mark = pyfuncitem.get_closest_marker("needs_cuda")
    if mark is None or not mark.kwargs.get("compiled") or os.environ["TRITON_INTERPRET"] != "1":
        return None
    done = run_compiled(pyfuncitem.nodeid, VISLAB_PROMISE_CUDA="1")
    if done.returncode != 0:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
    return True


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return ROOT
