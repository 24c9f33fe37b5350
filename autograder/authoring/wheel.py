"""Build the wheel of ``vislab``: that package alone, the same bytes every time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.authoring.fault import AuthoringError

BUILD_LIMIT_S = 300
_NEEDED = ("pyproject.toml", "README.md", "LICENSE")
# 1980-01-01, the earliest time a zip can hold.
EPOCH_S = 315532800


def build_wheel(root: Path, out: Path) -> Path:
    """Build the wheel from the project at ``root`` into the folder ``out``; needs no network.

    Returns:
        Path of the wheel.

    Raises:
        AuthoringError: a file the build needs is missing, or the build failed; carries its last lines.
    """
    missing = [name for name in (*_NEEDED, "vislab") if not (root / name).exists()]
    if missing:
        raise AuthoringError(f"{root} lacks {missing}, which the wheel is built from; run from the project's root")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vislab-wheel-") as scratch:
        # a copy: a build in place would leave folders behind, and take along what earlier ones left.
        tree = Path(scratch) / "tree"
        tree.mkdir()
        for name in _NEEDED:
            shutil.copyfile(root / name, tree / name)
        shutil.copytree(root / "vislab", tree / "vislab", ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))
        made = Path(scratch) / "dist"
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(made), str(tree)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH_S)}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_LIMIT_S, env=environment, umask=0o022)
        except subprocess.TimeoutExpired:
            raise AuthoringError(f"building the wheel took longer than {BUILD_LIMIT_S} s; try again on a quieter machine") from None
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
            raise AuthoringError(f"the wheel could not be built:\n{tail}")
        (wheel,) = made.glob("*.whl")
        return Path(shutil.copyfile(wheel, out / wheel.name))
