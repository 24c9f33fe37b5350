"""A machine that has Python and the libraries that students install, but not ``vislab``; and the commands of a page, to be typed there."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENT, NOTEBOOK = "a1_pose", "1_heatmaps"
SCRIPT = """#!{python}
import sys
from {module} import {call}
sys.argv[0] = {name!r}
sys.exit({call}())
"""
SCRIPTS = {"jupyter": ("jupyter_core.command", "main"), "jupyter-notebook": ("notebook.app", "main")}


def libraries(folder: Path) -> Path:
    """Make a folder of everything that is installed here but ``vislab``: what a registry would bring, without one."""
    folder.mkdir()
    for entry in sorted(Path(sysconfig.get_path("purelib")).iterdir()):
        if not re.match(r"vislab|__editable__|.*\.pth$|__pycache__|distutils-precedence", entry.name):
            (folder / entry.name).symlink_to(entry)
    return folder


def environment(folder: Path, site: Path, *, pip: bool = False) -> Path:
    """Make a virtual environment that sees these libraries; return its interpreter.

    Args:
        folder: where it is made.
        site: what ``libraries`` returned.
        pip: with a ``pip`` of its own, and with Jupyter's commands, as if installed into it.
    """
    subprocess.run([sys.executable, "-m", "venv", *([] if pip else ["--without-pip"]), str(folder)], check=True, timeout=600)
    python = folder / "bin" / "python"
    own = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    # Python 3.11 puts its own old setuptools there, which a registry would have replaced.
    for entry in [*own.glob("setuptools*"), *own.glob("distutils-precedence.pth")]:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    (own / "libraries.pth").write_text(f"{site}\n")
    for name, (module, call) in SCRIPTS.items() if pip else ():
        script = folder / "bin" / name
        script.write_text(SCRIPT.format(python=python, module=module, call=call, name=name))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return python


def bundle(wheel: Path, out: Path) -> Path:
    """Zip the release as ``make bundle`` does, without the search for solutions, which has its own tests."""
    release = ROOT / "release" / ASSIGNMENT
    # no h5 file is read before the first exercise, and deflating it again would take seconds.
    with zipfile.ZipFile(out, "w") as archive:
        for path in [*(path for path in sorted(release.rglob("*")) if path.is_file()), wheel]:
            name = path.name if path == wheel else path.relative_to(release).as_posix()
            archive.write(path, f"{ASSIGNMENT}/{name}")
    return out


def commands(page: str, heading: str) -> list[str]:
    """Return the lines of the first block of commands below a heading of a page.

    Raises:
        LookupError: no such heading, or no block below it.
    """
    section = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", page, re.MULTILINE | re.DOTALL)
    block = re.search(r"^```sh\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL) if section else None
    if block is None:
        raise LookupError(f"the page has no block of commands below {heading!r}")
    return [line for line in block[1].splitlines() if line.strip()]


def quiet_environment(home: Path, **more: str) -> dict[str, str]:
    """Environment variables of a machine without a network: nothing of this one's Python, Jupyter or pip settings."""
    kept = {name: value for name, value in os.environ.items() if not re.match(r"PYTHON|JUPYTER|VIRTUAL_ENV|PIP_|VISLAB", name)}
    own = {
        "HOME": str(home),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "OMP_NUM_THREADS": "1",
    }
    return {**kept, **own, **more}


def begun(code: str | None = None) -> NotebookNode:
    """Return the release notebook up to its first check, with the exercise solved.

    Args:
        code: takes the bootstrap cell's place.
    """
    released = nbformat.read(ROOT / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", as_version=4)
    solved = nbformat.read(ROOT / "source" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", as_version=4)
    solutions = {cell.id: cell.source for cell in solved.cells}
    part = released.cells[: 1 + next(at for at, cell in enumerate(released.cells) if "check" in cell.metadata.get("vislab", {}))]
    for cell in part:
        if "exercise" in cell.metadata.get("vislab", {}):
            cell.source = solutions[cell.id]
        if code is not None and cell.metadata.get("vislab", {}).get("bootstrap"):
            cell.source = code
    released.cells = part
    return released


@contextmanager
def kernel(python: Path, variables: dict[str, str], folder: Path) -> Iterator[KernelManager]:
    """Start that interpreter's kernel in a folder."""
    spec = folder.parent / "kernels" / "fresh"
    spec.mkdir(parents=True, exist_ok=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "fresh", "language": "python"}))
    manager = KernelManager(kernel_name="fresh")
    manager.kernel_spec_manager.kernel_dirs = [str(spec.parent)]
    manager.start_kernel(cwd=str(folder), env=variables)
    try:
        yield manager
    finally:
        manager.shutdown_kernel(now=True)


def run(notebook: NotebookNode, manager: KernelManager) -> NotebookNode:
    """Run all cells in a kernel; an error stops at its cell."""
    client: Any = NotebookClient(notebook, km=manager, timeout=600)
    return client.execute(reset_kc=False)


def printed(notebook: NotebookNode, part: str) -> str:
    """Return what the cell of one part (``bootstrap``, ``check``) shows as plain text."""
    (cell,) = [cell for cell in notebook.cells if part in cell.metadata.get("vislab", {})]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "\n".join("".join(text) for text in texts)
