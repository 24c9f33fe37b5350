"""A student on Colab: the bootstrap cell of a release notebook fetches and installs for real, from loopback, and survives a restart.

Stood in for: ``/content`` is a folder of the test, the course's address a server on loopback, ``google.colab`` an empty module that
Python imports when it starts, and Colab's preinstalled libraries are those of this environment. The cell, pip, the wheel, the kernel and
the checks are real.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import pytest
from fresh_machine import ASSIGNMENT, NOTEBOOK, ROOT, begun, environment, kernel, printed, quiet_environment, run
from nbclient.exceptions import CellExecutionError

from autograder.authoring.bootstrap import bootstrap
from autograder.authoring.course import Course, read_course


class Served:
    """The course's address: a folder on a server that counts what is fetched."""

    def __init__(self, folder: Path) -> None:
        self.fetched: list[str] = []
        served = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                served.fetched.append(self.path)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Colab:
    """A machine like Colab's, and the course it finds on the web."""

    def __init__(self, folder: Path, site: Path, packed: Path) -> None:
        self.python = environment(folder / "python", site)
        own = next((folder / "python" / "lib").iterdir()) / "site-packages"
        (own / "google" / "colab").mkdir(parents=True)
        (own / "google" / "colab" / "__init__.py").touch()
        # behind libraries.pth, so that both halves of the name google are found.
        (own / "zz_colab.pth").write_text("import google.colab\n")
        self.content = folder / "content"
        self.content.mkdir()
        self.served = Served(packed.parent)
        self.variables = quiet_environment(folder, no_proxy="127.0.0.1")
        cell = bootstrap(Course("Vislab", "vislab", self.served.address), ASSIGNMENT)
        self.cell = cell.replace("/content", str(self.content))

    def session(self, code: str = "") -> nbformat.NotebookNode:
        """Start a kernel, as a runtime does, and run the notebook's beginning in it."""
        with kernel(self.python, self.variables, self.content) as manager:
            return run(begun(self.cell + code), manager)


@pytest.fixture
def colab(tmp_path: Path, site: Path, packed: Path) -> Iterator[Colab]:
    machine = Colab(tmp_path, site, packed)
    yield machine
    machine.served.close()


def test_the_released_cell_is_the_one_tried_here() -> None:
    course = read_course(ROOT / "assignments" / "course.toml")
    released = nbformat.read(ROOT / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", as_version=4)
    (cell,) = [cell for cell in released.cells if cell.metadata.get("vislab", {}).get("bootstrap")]
    assert cell.source == bootstrap(course, ASSIGNMENT)
    assert "/content/" in cell.source and course.bundle_link(ASSIGNMENT) in cell.source


def test_a_notebook_runs_to_its_first_check_and_again_after_a_restart(colab: Colab) -> None:
    first = colab.session("\nimport vislab; print(Path.cwd(), vislab.__file__)")
    assert colab.served.fetched == [f"/{ASSIGNMENT}.zip"]
    folder, where = printed(first, "bootstrap").split()
    assert folder == str(colab.content / ASSIGNMENT)
    assert Path(where).is_relative_to(colab.python.parent.parent), "the wheel was installed into this machine"
    assert "pose.norm_to_pixel" in printed(first, "check")
    # the runtime restarts: the disk stays, the kernel is new, and nothing may be fetched again.
    colab.served.close()
    again = colab.session()
    assert printed(again, "bootstrap") == "" and printed(again, "check") == printed(first, "check")
    assert len(colab.served.fetched) == 1


def test_a_course_that_is_not_there_is_told_in_a_sentence_and_without_the_module_nothing_is_fetched(colab: Colab, packed: Path) -> None:
    with kernel(colab.python, colab.variables, colab.content) as manager:
        # elsewhere than on Colab: the cell reaches for nothing.
        with pytest.raises(CellExecutionError, match="the helper package is not installed here"):
            run(begun("import sys; del sys.modules['google.colab']\n" + colab.cell), manager)
    assert colab.served.fetched == []
    colab.cell = colab.cell.replace(f"/{ASSIGNMENT}.zip", "/gone.zip")
    with pytest.raises(CellExecutionError, match=r"gone\.zip could not be fetched \(HTTP Error 404: File not found\); wait a minute"):
        colab.session()
    assert not (colab.content / ASSIGNMENT).exists()
