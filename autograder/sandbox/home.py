"""What every place for a kernel has in common, with walls or without."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder.sandbox.connection import Connection
from autograder.sandbox.faults import SandboxFault
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.interrupt import request_interrupt
from autograder.sandbox.limits import Limits
from autograder.sandbox.manager import SandboxKernelManager, manager_class
from autograder.sandbox.parcel import WorkFiles, load_work_files
from autograder.sandbox.provisioner import register
from autograder.sandbox.watchdog import Cause

STUDENT_KERNEL = Path(__file__).with_name("student_kernel.py")
# Options of ipykernel.
WORDS_ALONE = ("--DisplayFormatter.active_types=text/plain",)
_SIGXCPU_STATUS = 128 + signal.SIGXCPU


class RunHome(ABC):
    """One run of one notebook; a context manager that leaves nothing behind.

    Args:
        work_files: path relative to the working directory to content, or to a regular file on this side; the kernel
            gets writable copies, read once when this object is made.
        judge_dir: folder in which the judge already listens on ``judge.sock``; None: no judge.
        limits: what the run may use; None: the defaults.
        data: data files that the kernel may read where they lie, and not change; ``vislab.data`` finds them by name.
        environment: variables added to, or replacing, those that every kernel gets.
        interpreter: the Python that runs the kernel; None: the one that runs now.
        pictures: False: what is displayed is described in words, and no figure is drawn for a message that nobody will see. Cells
            run as they do otherwise: IPython draws after they have handed a figure over, and keeps what goes wrong there from them.

    Raises:
        WorkFilesError: the files cannot be placed.
    """

    def __init__(
        self,
        work_files: WorkFiles,
        judge_dir: Path | None = None,
        limits: Limits | None = None,
        *,
        data: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        interpreter: Interpreter | None = None,
        pictures: bool = True,
    ) -> None:
        self.limits = limits or Limits()
        self._work_files = load_work_files(work_files, self.limits.files_bytes)
        self._judge_dir = judge_dir
        self._data = tuple(data)
        self._environment = dict(environment or {})
        self._interpreter = interpreter or Interpreter.current()
        self._options = () if pictures else WORDS_ALONE
        # One for all kernels of this run: a client outlives a restart as it does with jupyter's own kernels.
        self._connection = Connection()
        self._managers: list[SandboxKernelManager] = []
        self._run_folder: Path | None = None
        self._launched = False
        self._info: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        # Short, because Unix socket paths are: no submission or student is named in it, either.
        self._run_folder = Path(tempfile.mkdtemp(prefix="vislab-"))
        register()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.release()
            for manager in self._managers:
                manager.close()
        finally:
            self._managers = []
            if self._run_folder is not None:
                shutil.rmtree(self._run_folder, ignore_errors=True)
                self._run_folder = None

    def make_kernel_manager(self) -> SandboxKernelManager:
        """Return a manager for ``NotebookClient(nb, km=...)``; it starts the kernel when it is first used."""
        return self.kernel_manager_class()

    @property
    def kernel_manager_class(self) -> type[SandboxKernelManager]:
        """Return the manager's class, for ``NotebookClient(nb, kernel_manager_class=...)`` and nbgrader's ``Execute``."""
        return manager_class(self)

    @property
    def cause_of_death(self) -> Cause | None:
        """Return which limit the last kernel was killed for; None: it lives, or died of something else."""
        return Cause.CPU if self.poll() == _SIGXCPU_STATUS else None

    @property
    def cpu_s(self) -> float:
        """Return the CPU time that all processes inside had used when they were last measured, seconds; 0 where nobody measures."""
        return 0.0

    @abstractmethod
    def grant_cpu(self, seconds: float) -> None:
        """Set how much CPU time the run may use beside ``limits.submission_s``.

        Args:
            seconds: of the whole run; at most ``limits.training_s`` count.
        """

    def adopt(self, manager: SandboxKernelManager) -> None:
        """Remember a manager, to be closed when the run is over."""
        self._managers.append(manager)

    def interrupt(self) -> None:
        """Ask the kernel, from any thread, to interrupt its cell. A cell may swallow that; ``kill`` works always."""
        if self._info is not None and self._launched and self.poll() is None:
            request_interrupt(self._info)

    def open_folders(self) -> dict[str, int]:
        """Return descriptors of the folders that are the run's own, by path as seen inside; the caller closes them.

        The folders stay readable until then, also when every process of the run is gone. Empty without walls, and before a launch.
        """
        return {}

    @property
    def start(self) -> str:
        """Return how the last kernel was started: "fresh" (an interpreter of its own) or "forked" (from a warm one)."""
        return "fresh"

    @property
    def launched(self) -> bool:
        """Tell whether a kernel has been started and not yet released."""
        return self._launched

    @property
    def run_folder(self) -> Path:
        """Return the folder on this side that belongs to this run.

        Raises:
            SandboxFault: outside the ``with`` block.
        """
        if self._run_folder is None:
            name = type(self).__name__
            raise SandboxFault(f"{name} has no run folder outside its with block; write `with {name}(...) as run:`")
        return self._run_folder

    @property
    def connection_file(self) -> str:
        """Return the path of jupyter's own copy of the connection info."""
        return str(self.run_folder / "connection.json")

    @abstractmethod
    def argv(self) -> list[str]:
        """Return the kernel's command line, paths as the kernel sees them."""

    @abstractmethod
    def launch(self, argv: Sequence[str], info: Mapping[str, Any]) -> str:
        """Start the kernel with jupyter's connection info; return the ``ip`` under which its sockets are reached."""

    @abstractmethod
    def poll(self) -> int | None:
        """Return the kernel's exit status (128 + signal when it was killed); None while it runs or was never started."""

    @abstractmethod
    def kill(self) -> None:
        """Kill the kernel and everything it started, from any thread; returns when nothing is left."""

    @abstractmethod
    def release(self) -> None:
        """Kill what is left and give back all that the kernel held; its cause of death stays readable."""

    @property
    @abstractmethod
    def standard_error(self) -> str:
        """Return the end of what the kernel process wrote to its own standard error, for a grader's log."""


def judge_socket(judge_dir: Path) -> Path:
    """Return the socket in a judge's folder.

    Raises:
        SandboxFault: no socket there, or something beside it, which submissions could read.
    """
    socket = judge_dir / "judge.sock"
    if not socket.is_socket():
        raise SandboxFault(f"judge socket {socket} must be listening before the sandbox starts; start the judge first")
    others = sorted(path.name for path in judge_dir.iterdir() if path != socket)
    if others:
        raise SandboxFault(
            f"judge folder {judge_dir} must hold judge.sock alone and holds {others[0]!r} too; give the socket its own folder"
        )
    return socket


def vislab_folder() -> Path:
    """Return the folder of the ``vislab`` package that this environment would import.

    Raises:
        SandboxFault: there is none.
    """
    spec = importlib.util.find_spec("vislab")
    if spec is None or not spec.submodule_search_locations:
        raise SandboxFault("package vislab was not found; install it into this environment with `make setup`")
    return Path(spec.submodule_search_locations[0]).resolve()
