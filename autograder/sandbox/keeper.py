"""The grader's side of the fork server: starts it behind its walls, restarts one that is gone, ends it with this process."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.sandbox.enclosure import INNER, KILL_S, LAUNCHER
from autograder.sandbox.faults import SandboxFault, remedy
from autograder.sandbox.fonts import font_cache
from autograder.sandbox.home import STUDENT_KERNEL, vislab_folder
from autograder.sandbox.identity import Identity
from autograder.sandbox.interpreter import Interpreter, places_to_hide
from autograder.sandbox.limits import Limits
from autograder.sandbox.pipes import Tail, memory_file, read_until
from autograder.sandbox.server_walls import ServerWalls
from autograder.sandbox.walls import HOME, PROGRAMS, STACK_BYTES, Descriptors, find_bwrap

SERVER = INNER.with_name("fork_server.py")
SERVER_PROGRAMS = (
    *LAUNCHER,
    SERVER,
    STUDENT_KERNEL,
    *(INNER.with_name(name) for name in ("private_view.py", "probe.py", "fork_probe.py")),
)
# Kinds of files that Pillow knows from its first picture on.
_PICTURES = ("Bmp", "Gif", "Jpeg", "Png", "Ppm")
# What notebooks and checks import; an environment that lacks one goes without.
MODULES = (
    *("numpy.random", "torch", "h5py", "safetensors.torch", "tqdm.auto", "matplotlib.pyplot"),
    *("ipykernel.kernelapp", "triton.language", "vislab.check", "vislab.show"),
    # What a kernel imports when it starts, but for the debugger, which sets variables of the environment.
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger", "IPython.core.oinspect"),
    *("IPython.extensions.storemagic", "sqlite3", "tornado.platform.asyncio", "tornado.queues"),
    # With the first figure, the first gradient that is asked for, the first launch.
    # Not matplotlib_inline: it looks for IPython's shell when it is imported, and would show no figures.
    *("matplotlib.backends.backend_agg", "IPython.core.pylabtools", *(f"PIL.{kind}ImagePlugin" for kind in _PICTURES)),
    *("torch.fx.experimental.symbolic_shapes", "triton.runtime.interpreter"),
)
WARM_S = 180.0
# A thread's stack has the size that this limit had when the interpreter started.
_LIMITED = f'ulimit -Ss {STACK_BYTES // 1024}; exec "$@"'


class Server:
    """One warm process behind walls of its own; it serves the process that made it, until ``close`` or until that ends.

    Args:
        interpreter: the Python that is warmed up.
        data: data files that its children may read; see ``Walls``.
        modules: what it imports.
        programs: host files that children may run, seen below ``/run/walls``.

    Raises:
        SandboxMissing: bubblewrap is missing, or the walls would show what must stay hidden.
        SandboxFault: it did not start, or is not fit to be forked.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        modules: Sequence[str] = MODULES,
        programs: Sequence[Path] = SERVER_PROGRAMS,
        data: tuple[Path, ...] = (),
    ) -> None:
        bwrap = find_bwrap()
        interpreter.refuse_exposure(places_to_hide())
        self._folder = Path(tempfile.mkdtemp(prefix="vs-"))
        identity = Identity.choose()
        fonts = {f"{HOME}/.config/matplotlib/{name}": content for name, content in font_cache(interpreter).items()}
        self.walls = ServerWalls(
            interpreter=interpreter,
            identity=identity if identity.namespaced else Identity(0, 0, namespaced=False),
            limits=Limits(),
            package=vislab_folder(),
            programs=tuple(programs),
            data=data,
            judges=self._folder,
            fonts=fonts,
        )
        self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asking = threading.Lock()
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd: int | None = None
        self._tail: Tail | None = None
        started = threading.Event()
        command = (
            [str(bwrap), "--args"],
            [str(interpreter.executable), "-P", "-s", f"{PROGRAMS}/{SERVER.name}", str(far.fileno()), *modules],
        )
        # Bubblewrap dies with the thread that started it: one that lives as long as this process, whoever asks first.
        self._thread = threading.Thread(target=self._hold, args=(*command, far, started), name="fork-server", daemon=True)
        self._thread.start()
        started.wait()
        far.close()
        try:
            self._await_warmth()
        except BaseException:
            self.close()
            raise

    def _hold(self, launcher: list[str], program: list[str], far: socket.socket, started: threading.Event) -> None:
        small = {path: memory_file(path, content) for path, content in self.walls.small_files().items()}
        info_read, info_write = os.pipe()
        try:
            words = self.walls.words(Descriptors(info_write, -1, -1, small))
            arguments_fd = memory_file("arguments", b"".join(os.fsencode(word) + b"\0" for word in words))
            inherited = [info_write, arguments_fd, *small.values()]
            try:
                self._process = subprocess.Popen(
                    ["/bin/sh", "-c", _LIMITED, "sh", *launcher, str(arguments_fd), "--", *program],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=[*inherited, far.fileno()],
                    env=self.walls.launcher_variables(),
                    cwd="/",
                    start_new_session=True,
                )
            finally:
                for descriptor in inherited:
                    os.close(descriptor)
            assert self._process.stderr is not None
            self._tail = Tail(self._process.stderr)
            info = read_until(info_read, b"}")
            if info:
                with contextlib.suppress(ProcessLookupError):
                    self._pidfd = os.pidfd_open(json.loads(info)["child-pid"])
        except OSError:
            # Nobody answers then: told where the answer is waited for.
            pass
        finally:
            os.close(info_read)
            started.set()
        self._ended.wait()

    def _await_warmth(self) -> None:
        self._control.settimeout(WARM_S)
        try:
            said = self._control.recv(1 << 16)
        except TimeoutError:
            raise SandboxFault(f"the fork server was not warm after {WARM_S:g} s; use --fresh") from None
        report: dict[str, Any] = json.loads(said) if said else {"warm": False}
        if not report["warm"]:
            reason = report.get("error") or self.standard_error.strip() or "it ended without a word"
            raise SandboxFault(f"the fork server could not be started: {reason}; {remedy(reason)}")
        self.pid = self._peer_pid()

    def _peer_pid(self) -> int:
        # The program is bubblewrap's only child there.
        assert self._process is not None
        init = int(Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()[0])
        return int(Path(f"/proc/{init}/task/{init}/children").read_text().split()[0])

    @property
    def alive(self) -> bool:
        """Tell whether it can be asked."""
        return not self._ended.is_set() and self._process is not None and self._process.poll() is None

    @property
    def standard_error(self) -> str:
        """Return the end of what it wrote to its standard error."""
        if self._tail is None:
            return ""
        if self._process is not None and self._process.poll() is not None:
            self._tail.join()
        return self._tail.text()

    def fork(self, descriptors: Sequence[int]) -> None:
        """Ask for a child that is given these descriptors: reply, parcel, standard output, standard error.

        Raises:
            SandboxFault: the server is gone.
        """
        try:
            with self._asking:
                socket.send_fds(self._control, [b"fork"], list(descriptors))
        except OSError as error:
            self.close()
            raise SandboxFault(f"the fork server is gone: {error.strerror}") from error

    def admit(self, judge: Path, name: str, uid: int | None) -> None:
        """Show a judge's socket to the child that is told this name; ``dismiss`` takes it away.

        Raises:
            OSError: the socket cannot be linked, as from another file system.
        """
        folder = self._folder / name
        folder.mkdir(0o711)
        # The same socket under a second name: the child is shown a folder below the one that the server sees.
        os.link(judge, folder / judge.name)
        if uid is not None:
            os.chown(folder, uid, -1)

    def dismiss(self, name: str) -> None:
        """Forget a judge's folder."""
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def close(self) -> None:
        """End the server and every child of it, and wait until nothing is left."""
        self._control.close()
        self._ended.set()
        if self._process is not None:
            if self._pidfd is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
                poller = select.poll()
                poller.register(self._pidfd, select.POLLIN)
                poller.poll(KILL_S * 1000)
                os.close(self._pidfd)
                self._pidfd = None
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait(KILL_S)
        if self._tail is not None:
            self._tail.join()
        shutil.rmtree(self._folder, ignore_errors=True)


_kept: dict[tuple[int, Interpreter, tuple[Path, ...]], Server] = {}
_keeping = threading.Lock()


def warm_server(interpreter: Interpreter | None = None, data: tuple[Path, ...] = ()) -> Server:
    """Return this process's server for an interpreter and data files, started or restarted where it must be.

    Raises:
        SandboxMissing, SandboxFault: see ``Server``.
    """
    # By process: a fork of this one has the object, and not the thread that holds the server.
    key = (os.getpid(), interpreter or Interpreter.current(), data)
    with _keeping:
        server = _kept.get(key)
        if server is None or not server.alive:
            if server is not None:
                server.close()
            server = _kept[key] = Server(key[1], data=data)
        return server


def end_servers() -> None:
    """End the servers of this process."""
    with _keeping:
        for key in [key for key in _kept if key[0] == os.getpid()]:
            _kept.pop(key).close()


atexit.register(end_servers)
