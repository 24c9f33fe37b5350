"""A kernel without walls, for ``--unsafe-no-sandbox``: student code runs as the instructor, and may do all an instructor may."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from autograder.sandbox.enclosure import INNER, KILL_S, START_S
from autograder.sandbox.environment import kernel_variables
from autograder.sandbox.faults import SandboxFault
from autograder.sandbox.fonts import font_cache
from autograder.sandbox.home import STUDENT_KERNEL, RunHome, judge_socket, vislab_folder
from autograder.sandbox.identity import Identity
from autograder.sandbox.parcel import pack
from autograder.sandbox.pipes import Tail, read_until
from autograder.sandbox.walls import resource_limits


class PlainSandbox(RunHome):
    """An ordinary ipykernel process with the face of ``Sandbox``.

    It has a clean environment, a home folder of its own and the resource limits of a single process. It has network,
    sees every file the instructor sees, and a daemon that leaves the session outlives it. Marks from it are not to be
    trusted.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._process: subprocess.Popen[bytes] | None = None
        self._tails: list[Tail] = []

    @property
    def standard_error(self) -> str:
        """Return the end of what the kernel process wrote to its own standard error, for a grader's log."""
        return self._tails[1].text() if self._tails else ""

    def argv(self) -> list[str]:
        """Return the kernel's command line."""
        connection = f"{self.run_folder}/kernel.json"
        return [str(self._interpreter.executable), "-P", "-s", str(STUDENT_KERNEL), str(self._work), "-f", connection, *self._options]

    def launch(self, argv: Sequence[str], info: Mapping[str, Any]) -> str:
        """Start a kernel; the provisioner calls this.

        Raises:
            SandboxFault: the process could not be started.
        """
        self.release()
        packages = self.run_folder / "packages"
        packages.mkdir(exist_ok=True)
        if not (packages / "vislab").exists():
            # The folder that holds the real package also holds the autograder: it must not come onto sys.path.
            (packages / "vislab").symlink_to(vislab_folder())
        for file in self._data:
            self._data_folder.mkdir(exist_ok=True)
            shown = self._data_folder / file.name
            if not shown.exists():
                shown.symlink_to(file.resolve())
        stem = self._connection.stem(str(self.run_folder))
        home = self._work.parent
        files = {f"{home}/.config/matplotlib/{name}": content for name, content in font_cache(self._interpreter).items()}
        files |= {f"{self._work}/{name}": content for name, content in self._work_files.items()}
        files[f"{self.run_folder}/kernel.json"] = self._connection.file(info, str(self.run_folder))
        self._start(argv, files)
        self._launched = True
        self._info = {**info, "ip": stem}
        return stem

    @property
    def _work(self) -> Path:
        return self.run_folder / "home" / "work"

    @property
    def _data_folder(self) -> Path:
        return self.run_folder / "data"

    def _plan(self, argv: Sequence[str]) -> dict[str, Any]:
        home = self._work.parent
        socket = None if self._judge_dir is None else str(judge_socket(self._judge_dir))
        variables = kernel_variables(
            home=str(home),
            temporary=str(home / "tmp"),
            packages=str(self.run_folder / "packages"),
            programs=f"{self._interpreter.executable.parent}:/usr/bin:/bin",
            judge_socket=socket,
            data=str(self._data_folder) if self._data else None,
        )
        limits = resource_limits(self.limits, Identity(os.getuid(), os.getgid(), namespaced=True))
        # Counted over all of the instructor's own processes here, so it would stop the instructor.
        limits.pop("RLIMIT_NPROC", None)
        return {
            "walled": False,
            "argv": list(argv),
            "env": {**variables, **self._environment},
            "cwd": str(home),
            "folders": [str(self._work), str(home / "tmp")],
            "limits": limits,
        }

    def _start(self, argv: Sequence[str], files: Mapping[str, bytes]) -> None:
        plan = self._plan(argv)
        status_read, status_write = os.pipe()
        command = [str(self._interpreter.executable), "-I", "-S", str(INNER), str(status_write)]
        try:
            self._process = process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[status_write],
                env={},
                cwd=self.run_folder,
                start_new_session=True,
            )
        finally:
            os.close(status_write)
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        self._tails = [Tail(process.stdout), Tail(process.stderr)]
        overdue = threading.Timer(START_S, process.kill)
        overdue.daemon = True
        overdue.start()
        try:
            for piece in pack(plan, files):
                process.stdin.write(piece)
            process.stdin.close()
        except BrokenPipeError:
            # The reason is on the status pipe or on standard error.
            pass
        finally:
            status = read_until(status_read, b"\n")
            overdue.cancel()
            os.close(status_read)
        report = json.loads(status) if status else {"ready": False}
        if not report["ready"]:
            self.release()
            raise SandboxFault(f"the kernel could not be started: {report.get('error') or self.standard_error.strip()}")

    def grant_cpu(self, seconds: float) -> None:
        """Do nothing: without walls nobody measures, and the process's own limit holds ``limits.training_s`` from the start."""

    def poll(self) -> int | None:
        """Return the kernel's exit status (128 + signal when it was killed); None while it runs or was never started."""
        status = self._process.poll() if self._process is not None else None
        return 128 - status if status is not None and status < 0 else status

    def kill(self) -> None:
        """Kill the kernel and the processes that can still be told to be its own."""
        if self._process is None or self._process.poll() is not None:
            return
        try:
            started = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            started = []
        for child in started:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait(KILL_S)

    def release(self) -> None:
        """Kill what is left and give back all that the kernel held; its cause of death stays readable."""
        self._launched = False
        self.kill()
        for tail in self._tails:
            tail.join()
