"""Two ways to run code inside the walls: a bare interpreter (quick) and a kernel driven by nbclient (the real thing)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbclient import NotebookClient

from autograder.sandbox.enclosure import LAUNCHER, Enclosure
from autograder.sandbox.forked import ForkedEnclosure
from autograder.sandbox.home import RunHome
from autograder.sandbox.identity import Identity
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.keeper import Server
from autograder.sandbox.limits import Limits
from autograder.sandbox.walls import HOME, KERNEL, SHARED_MEMORY, WORK, Walls
from autograder.sandbox.watchdog import Cause, Watchdog

WAIT_S = 300.0


def wait_until(look: Callable[[], object], seconds: float = 20) -> bool:
    """Look again and again until there is something to see, or time is up; returns whether there was."""
    deadline_s = time.monotonic() + seconds
    while time.monotonic() < deadline_s:
        if look():
            return True
        time.sleep(0.02)
    return False


@dataclass
class Ended:
    """How a program inside the walls ended and what it said."""

    status: int | None
    out: str
    err: str
    cause: Cause | None

    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


@dataclass
class Bench:
    """Runs programs inside walls and keeps what was started, so that a failing test leaves nothing behind.

    Args:
        server: fork server that programs are forked from; None: each gets an interpreter of its own.
    """

    started: list[Enclosure] = field(default_factory=list)
    server: Server | None = None

    def start(self, code: str, limits: Limits | None = None, files: Mapping[str, bytes] | None = None, **walls: Any) -> Enclosure:
        interpreter = Interpreter.current()
        group_limits = walls.pop("group_limits", None)
        server = walls.pop("server", self.server)
        built = Walls(interpreter, Identity.choose(), limits or Limits(), programs=LAUNCHER, **walls)
        # As the engine does: where a test takes a wall down, nothing is forked.
        enclosure = Enclosure(built, group_limits) if server is None or built.demolished else ForkedEnclosure(built, server, group_limits)
        self.started.append(enclosure)
        placed = {f"{WORK}/{name}": content for name, content in (files or {}).items()}
        enclosure.start([str(interpreter.executable), "-I", "-c", code], placed)
        return enclosure

    def run(self, code: str, limits: Limits | None = None, watched: bool = False, **more: Any) -> Ended:
        limits = limits or Limits()
        enclosure = self.start(code, limits, **more)
        stores = [enclosure.folder(path) for path in (HOME, SHARED_MEMORY, KERNEL)]
        watchdog = Watchdog(enclosure.folder("/proc"), stores, limits, enclosure.kill, group=enclosure.group, uncharged=enclosure.uncharged)
        if watched:
            watchdog.start()
        status = enclosure.wait(WAIT_S)
        watchdog.stop()
        enclosure.close()
        return Ended(status, enclosure.standard_output(), enclosure.standard_error(), watchdog.cause)

    def close(self) -> None:
        for enclosure in self.started:
            enclosure.close()


@dataclass
class Executed:
    """What came out of the cells of a notebook; a cell after the kernel's death has None."""

    cells: list[list[Any]]
    error: Exception | None

    def text(self, index: int) -> str:
        return "".join(output.get("text", "") for output in self.cells[index])

    def error_name(self, index: int) -> str | None:
        return next((output.ename for output in self.cells[index] if output.output_type == "error"), None)

    def mime(self, index: int) -> set[str]:
        return {kind for output in self.cells[index] for kind in output.get("data", {})}


def execute(
    home: RunHome,
    *cells: str,
    cell_s: int = 60,
    metadata: Mapping[str, Any] | None = None,
    own_manager: bool = True,
    executed: Callable[[int], object] = lambda index: None,
) -> Executed:
    """Run cells in a sandbox's kernel through nbclient, which makes and owns its manager or is given one.

    Args:
        executed: told the index of each cell that has ended.
    """
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=dict(metadata or {}))
    client = NotebookClient(
        book,
        **({"kernel_manager_class": home.kernel_manager_class} if own_manager else {"km": home.make_kernel_manager()}),
        timeout=cell_s,
        interrupt_on_timeout=True,
        allow_errors=True,
        shutdown_kernel="immediate",
        on_cell_executed=lambda cell, cell_index, execute_reply: executed(cell_index),
    )
    error = None
    try:
        client.execute()
    except Exception as raised:
        error = raised
    return Executed([cell.outputs for cell in book.cells], error)
