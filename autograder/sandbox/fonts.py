"""Matplotlib's list of fonts, made once per environment: every fresh home folder would otherwise search the disk anew."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import subprocess
import tempfile
from pathlib import Path

from autograder.sandbox.interpreter import Interpreter

_BUILD_S = 120
_PATTERN = "fontlist-*.json"


def font_cache(interpreter: Interpreter, folder: Path | None = None) -> dict[str, bytes]:
    """Return the files of matplotlib's cache folder, by name.

    Args:
        interpreter: whose matplotlib is asked; only its own code runs, never a submission's.
        folder: where the list is kept between runs; None: ``$XDG_CACHE_HOME/vislab`` (``~/.cache/vislab``).

    Returns:
        An empty dict where there is no matplotlib, or where it cannot make its list: the first figure is slower then.
    """
    version = _matplotlib_version()
    if version is None:
        return {}
    key = hashlib.sha256(f"{interpreter.executable}\n{version}".encode()).hexdigest()[:16]
    kept = (folder or _default_folder()) / f"fonts-{key}"
    found = _read(kept)
    if found:
        return found
    with tempfile.TemporaryDirectory(prefix="vislab-fonts-") as made:
        _build(interpreter, Path(made))
        found = _read(Path(made))
    if found:
        _keep(found, kept)
    return found


@functools.cache
def _matplotlib_version() -> str | None:
    # Every kernel asks, and the answer is read out of a text of hundreds of lines.
    try:
        return importlib.metadata.version("matplotlib")
    except importlib.metadata.PackageNotFoundError:
        return None


def _default_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base or os.path.expanduser("~/.cache")) / "vislab"


def _build(interpreter: Interpreter, home: Path) -> None:
    # A home of its own: fonts of the instructor's home are invisible inside the walls.
    environment = {"HOME": str(home), "MPLCONFIGDIR": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    command = [str(interpreter.executable), "-I", "-c", "import matplotlib.font_manager"]
    try:
        subprocess.run(command, env=environment, cwd=home, capture_output=True, timeout=_BUILD_S, check=False)
    except subprocess.TimeoutExpired:
        return


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(_PATTERN))}


def _keep(files: dict[str, bytes], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            # Renamed into place: several graders may start at the same moment.
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as part:
                part.write(content)
            os.replace(part.name, folder / name)
    except OSError:
        # A cache that cannot be written costs time, never a grade.
        pass
