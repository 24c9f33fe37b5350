"""Run the instructor's notebooks, so that their outputs are the baseline that later runs are compared with."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert.preprocessors.coalescestreams import CoalesceStreamsPreprocessor
from nbformat.notebooknode import NotebookNode

from autograder.authoring.fault import AuthoringError
from vislab.data.location import FOLDER_VARIABLE

CELL_LIMIT_S = 600
_WIDGET_TYPES = ("application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json")
_KERNEL = "vislab-build"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def execute(notebook: NotebookNode, folder: Path, cell_limit_s: int = CELL_LIMIT_S, data: Path | None = None) -> NotebookNode:
    """Run a notebook and return a copy of it with its outputs; nothing else of the copy differs.

    Args:
        notebook: as ``make_notebook`` builds it.
        folder: working directory of the kernel: it holds ``cases.h5`` and the figures. Files that the notebook writes stay there.
        cell_limit_s: longest time of one cell.
        data: folder in which sets are found by name; None: where ``folder`` lies.

    Raises:
        AuthoringError: a cell raised, took too long or killed the kernel, or its output names a path of this machine.
    """
    name = notebook.metadata["vislab"]["notebook"]
    work = nbformat.from_dict(notebook)
    with tempfile.TemporaryDirectory(prefix="vislab-execute-") as scratch:
        kernels = _kernels(Path(scratch))
        manager = AsyncKernelManager(kernel_name=_KERNEL, kernel_spec_manager=kernels, connection_file=f"{scratch}/connection.json")
        if os.name == "posix":
            # sockets in a private folder: nobody else on this machine can speak to the kernel.
            manager.transport, manager.ip = "ipc", f"{scratch}/kernel"
        client = NotebookClient(work, km=manager, timeout=cell_limit_s, record_timing=False, resources={"metadata": {"path": str(folder)}})
        try:
            # nbclient leaves a kernel whose manager it was given running, unless told otherwise.
            client.execute(env=_environment(Path(scratch), data), cleanup_kc=True)
        except CellExecutionError as error:
            raise AuthoringError(f"{name}: a cell raised {error.ename}: {_ANSI.sub('', str(error))}") from None
        except CellTimeoutError:
            remedy = "shorten it, or give it less to do under VISLAB_CI=1"
            raise AuthoringError(f"{name}: a cell ran longer than {cell_limit_s} s; {remedy}") from None
        except DeadKernelError:
            raise AuthoringError(f"{name}: the kernel died; look for memory use or a crash in compiled code") from None
        places = [str(folder), scratch, sys.prefix, str(_package_root()), str(Path.home()), tempfile.gettempdir() + "/ipykernel_"]
        places += [str(data)] if data is not None else []
    done, streams = nbformat.from_dict(notebook), CoalesceStreamsPreprocessor()
    for cell, ran in zip(done.cells, work.cells):
        if cell.cell_type == "code":
            cell.execution_count = ran.execution_count
            cell.outputs = [output for output in map(_stable, ran.outputs) if output is not None]
            # into how many parts a print falls depends on how busy the machine is.
            streams.preprocess_cell(cell, {}, 0)
            _refuse_places(name, cell, places)
    return done


def _stable(output: NotebookNode) -> NotebookNode | None:
    """Drop what only lives as long as its kernel: widget views. An output that was nothing else goes with them."""
    data = output.get("data")
    if data is None or not any(kind in data for kind in _WIDGET_TYPES):
        return output
    for kind in _WIDGET_TYPES:
        data.pop(kind, None)
    return output if set(data) - {"text/plain"} else None


def _refuse_places(name: str, cell: NotebookNode, places: list[str]) -> None:
    text = json.dumps([{key: value for key, value in output.items()} for output in cell.outputs], ensure_ascii=False)
    for place in places:
        if len(place) > 5 and place in text:
            first = cell.source.split("\n")[0]
            raise AuthoringError(
                f"{name}: the output of the cell that begins {first!r} names {place!r}, a path of this machine;"
                " warnings and tracebacks hold such: remove the cause, or catch it and print what matters"
            )


def _kernels(scratch: Path) -> KernelSpecManager:
    # a spec of our own: a user's "python3" spec may start any interpreter.
    folder = scratch / "kernels" / _KERNEL
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}))
    return KernelSpecManager(kernel_dirs=[str(scratch / "kernels")])


def _environment(scratch: Path, data: Path | None) -> dict[str, str]:
    """The caller's environment, with all that could change an output set to one value."""
    path = [str(_package_root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("VISLAB_", "JUPYTER_", "IPYTHON"))},
        "VISLAB_CI": "1",
        **({FOLDER_VARIABLE: str(data)} if data is not None else {}),
        "TRITON_INTERPRET": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(path),
        # no start-up files or history of the person who builds.
        "IPYTHONDIR": str(scratch / "ipython"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _package_root() -> Path:
    spec = find_spec("vislab")
    if spec is None or not spec.submodule_search_locations:
        raise AuthoringError("vislab cannot be imported here; run from the project's virtual environment (make setup)")
    return Path(next(iter(spec.submodule_search_locations))).parent
