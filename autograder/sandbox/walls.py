"""The bubblewrap command line: which namespaces are new, what is visible, what is writable, which limits hold."""

from __future__ import annotations

import math
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from autograder.sandbox.demolition import Wall, down
from autograder.sandbox.environment import kernel_variables
from autograder.sandbox.faults import SandboxMissing
from autograder.sandbox.identity import Identity
from autograder.sandbox.interpreter import SYSTEM_FOLDERS, Interpreter
from autograder.sandbox.limits import MEBIBYTE, Limits
from autograder.sandbox.masks import HIDDEN_FOLDERS, PROC_FILES, PROC_FOLDERS, mask_words, setuid_programs
from autograder.sandbox.seccomp import INTERNET_FAMILIES, SOCKET_FAMILIES, filter_program

HOME = "/home/student"
WORK = f"{HOME}/work"
TEMPORARY = f"{HOME}/tmp"
SHARED_MEMORY = "/dev/shm"
KERNEL = "/run/kernel"
CONNECTION_FILE = f"{KERNEL}/connection.json"
PROGRAMS = "/run/walls"
JUDGE = "/run/judge"
JUDGE_SOCKET = f"{JUDGE}/judge.sock"
PACKAGES = "/opt/vislab"
DATA = "/opt/data"

_SYSTEM_SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/sys/devices/system/cpu")
BWRAP_OLDEST = (0, 8, 0)
KERNEL_FOLDER_BYTES = MEBIBYTE
# The data segment counts what is reserved, resident memory what is used. The gap lets an honest program reserve more
# than it touches, and stops one huge allocation at once with an error that the cell can catch.
DATA_HEADROOM_BYTES = 1024 * MEBIBYTE
OPEN_FILES = 512
# What the first program inside needs in order to become somebody else.
BECOMING = ("CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
STACK_BYTES = 8 * MEBIBYTE


@dataclass(frozen=True)
class Descriptors:
    """Open file descriptors that bubblewrap inherits: where it writes its child's pid, and small files to read."""

    info: int
    status: int
    seccomp: int
    files: Mapping[str, int]


@dataclass(frozen=True)
class Walls:
    """Everything that decides what one sandbox looks like.

    Args:
        interpreter: the Python that runs inside, at its own path.
        identity: whom the code runs as.
        limits: how much it may use.
        package: folder of the ``vislab`` package, seen as ``/opt/vislab/vislab``; None: no package.
        judge_dir: folder with the judge's listening ``judge.sock``, seen read-only as ``/run/judge``; None: no judge.
        programs: host files seen read-only as ``/run/walls/<name>``.
        data: data files, seen read-only as ``/opt/data/<name>``, where ``vislab.data`` looks for sets.
        environment: variables added to, or replacing, those every sandbox gets.
        demolished: walls that a test has taken down; never given by anything but ``demolition``.
    """

    interpreter: Interpreter
    identity: Identity
    limits: Limits
    package: Path | None = None
    judge_dir: Path | None = None
    programs: tuple[Path, ...] = ()
    data: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    demolished: frozenset[Wall] = field(default_factory=down)

    def words(self, descriptors: Descriptors) -> list[str]:
        """Return what bubblewrap is told; its own command line is readable inside, and names no more than a descriptor."""
        return [
            *self._namespaces(),
            *self._system(),
            *self._private_folders(),
            *self._own_files(descriptors),
            # Last: what was needed to create mount points must not stay writable. As an ordinary user the root folder
            # and /dev would otherwise be memory without a limit.
            *(("--remount-ro", "/dev", "--remount-ro", "/") if self._stands(Wall.READ_ONLY) else ("--chmod", "0777", "/")),
            *("--info-fd", str(descriptors.info)),
            *self._call_filter_words(descriptors),
        ]

    def variables(self) -> dict[str, str]:
        """Return the whole environment of the program inside; nothing of the grader's own environment is in it."""
        variables = kernel_variables(
            home=HOME,
            temporary="/tmp",
            packages=PACKAGES,
            programs=f"{self.interpreter.executable.parent}:/usr/bin:/bin",
            judge_socket=None if self.judge_dir is None else JUDGE_SOCKET,
            data=DATA if self.data else None,
        )
        whole = {**variables, **self.environment}
        return whole if self._stands(Wall.ENVIRONMENT) else {**os.environ, **whole}

    def launcher_variables(self) -> dict[str, str]:
        """Return the environment of bubblewrap itself: it stays as pid 1, where its environment is readable."""
        return {} if self._stands(Wall.ENVIRONMENT) else dict(os.environ)

    def call_filter(self) -> bytes:
        """Return the system-call filter."""
        return filter_program(families=SOCKET_FAMILIES if self._stands(Wall.NETWORK) else INTERNET_FAMILIES)

    def landlock_rules(self) -> dict[str, list[str]]:
        """Return the rights on paths that the mount view comes to, for ``landlock.restrict``: what is not named has none."""
        # Where a test shows all of this machine, or opens the root folder, that must not be stopped here instead.
        rest = {Wall.FILES: "read", Wall.READ_ONLY: "everything"}
        more = {kind: ["/"] for wall, kind in rest.items() if not self._stands(wall)}
        seen = [*map(str, SYSTEM_FOLDERS), *self.shown_paths(), "/etc", "/proc", "/sys", JUDGE]
        return {
            # Programs walk through folders that hold nothing but mount points.
            "list": ["/"],
            "read": seen + more.get("read", []),
            "write": [HOME, SHARED_MEMORY, KERNEL, *([] if self._stands(Wall.JUDGE_SOCKET) else [JUDGE])],
            "device": ["/dev"],
            "everything": more.get("everything", []),
        }

    def shown_paths(self) -> list[str]:
        """Return where the interpreter, the programs and the package are seen."""
        return [seen for _, seen in self._shown()]

    def _stands(self, wall: Wall) -> bool:
        return wall not in self.demolished

    def _standing(self, wall: Wall, *words: str) -> tuple[str, ...]:
        return words if self._stands(wall) else ()

    def small_files(self) -> dict[str, bytes]:
        """Return the texts that make up ``/etc``, by path."""
        uid, gid = self.identity.uid, self.identity.gid
        return {
            "/etc/passwd": f"student:x:{uid}:{gid}:student:{HOME}:/bin/sh\n".encode(),
            "/etc/group": f"student:x:{gid}:\n".encode(),
            "/etc/hosts": b"127.0.0.1 localhost\n::1 localhost\n",
            "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\n",
        }

    def _namespaces(self) -> list[str]:
        words = ["--unshare-uts", "--unshare-cgroup-try"]
        for wall, kind in ((Wall.IPC, "ipc"), (Wall.PID, "pid"), (Wall.NETWORK, "net")):
            words += self._standing(wall, f"--unshare-{kind}")
        if self.identity.namespaced:
            words += ["--unshare-user", "--uid", str(self.identity.uid), "--gid", str(self.identity.gid)]
        else:
            # Nothing to stay root with.
            words = ["--cap-drop", "ALL", *words]
        for capability in self._capabilities():
            words += ["--cap-add", capability]
        words += self._standing(Wall.ENVIRONMENT, "--clearenv")
        return [*words, "--hostname", "vislab", "--new-session", "--die-with-parent", "--chdir", "/"]

    def _capabilities(self) -> tuple[str, ...]:
        return BECOMING if not self.identity.namespaced or not self._stands(Wall.CAPABILITIES) else ()

    def _call_filter_words(self, descriptors: Descriptors) -> tuple[str, ...]:
        return self._standing(Wall.SECCOMP, "--seccomp", str(descriptors.seccomp))

    def _system(self) -> list[str]:
        words: list[str] = []
        for folder in SYSTEM_FOLDERS:
            if folder.is_symlink():
                words += ["--symlink", os.readlink(folder), str(folder)]
            elif folder.is_dir():
                words += ["--ro-bind", str(folder), str(folder)]
        words += _folders_above(_SYSTEM_SETTINGS)
        for path in _SYSTEM_SETTINGS:
            words += ["--ro-bind-try", path, path]
        if self._stands(Wall.FILES):
            needed = (*self.interpreter.prefixes, self.interpreter.executable)
            words += mask_words(setuid_programs(), HIDDEN_FOLDERS, needed)
        if not self._stands(Wall.PROC):
            return [*words, "--ro-bind", "/proc", "/proc", "--dev", "/dev"]
        return [*words, "--proc", "/proc", *self._proc_masks(), "--dev", "/dev"]

    def _proc_masks(self) -> list[str]:
        return mask_words(PROC_FILES, PROC_FOLDERS)

    def _private_folders(self) -> list[str]:
        size = self._standing(Wall.DISK, "--size", str(self.limits.files_bytes))
        return [
            *_folders_above((HOME, KERNEL)),
            *("--perms", "1777", *size, "--tmpfs", SHARED_MEMORY),
            *("--perms", "0700", *size, "--tmpfs", HOME),
            *("--perms", "0700", "--dir", WORK, "--perms", "0700", "--dir", TEMPORARY),
            # One budget for all files: /tmp is a folder of the same in-memory file system as the home folder.
            *("--symlink", TEMPORARY.removeprefix("/"), "/tmp"),
            *("--perms", "0700", "--size", str(KERNEL_FOLDER_BYTES), "--tmpfs", KERNEL),
        ]

    def _shown(self) -> list[tuple[Path, str]]:
        shown = [(prefix, str(prefix)) for prefix in self.interpreter.prefixes]
        shown += [(real, str(seen)) for real, seen in self.interpreter.links]
        shown += [(program, f"{PROGRAMS}/{program.name}") for program in self.programs]
        shown += [(file, f"{DATA}/{file.name}") for file in self.data]
        if self.package is not None:
            shown.append((self.package, f"{PACKAGES}/{self.package.name}"))
        return shown

    def _own_files(self, descriptors: Descriptors) -> list[str]:
        shown = self._shown()
        rest = {} if self._stands(Wall.FILES) else _everything_else(self.identity, [Path(seen) for _, seen in shown])
        words = _folders_above([*rest.values(), *(seen for _, seen in shown), *descriptors.files, JUDGE])
        for hidden, inside in rest.items():
            words += ["--ro-bind-try", hidden, inside]
        for source, seen in shown:
            words += ["--ro-bind", str(source), seen]
        if self.judge_dir is not None:
            words += ["--ro-bind" if self._stands(Wall.JUDGE_SOCKET) else "--bind", str(self.judge_dir), JUDGE]
        for path, descriptor in descriptors.files.items():
            words += ["--perms", "0444", "--file", str(descriptor), path]
        return words


def _everything_else(identity: Identity, shown: Sequence[Path]) -> dict[str, str]:
    # Without the wall of files: the folders of this machine that have no counterpart inside, and what lies beside the
    # sandbox's own in those that have. A folder that the user inside may not enter must not hide the interpreter.
    closed = {
        parent for path in shown for parent in path.parents if identity.becomes and parent.exists() and not parent.stat().st_mode & 0o001
    }
    shared = {"/etc": "/etc", "/home": "/home", "/opt": "/opt", "/run": "/run", "/tmp": TEMPORARY}
    own = {*map(str, SYSTEM_FOLDERS), *shared, "/proc", "/dev", "/sys", HOME, PROGRAMS, JUDGE, KERNEL, PACKAGES, DATA}
    own |= {*_SYSTEM_SETTINGS, "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"}
    seen = {path: str(path) for path in sorted(Path("/").iterdir())}
    for folder, inside in shared.items():
        if Path(folder).is_dir():
            seen |= {path: f"{inside}/{path.name}" for path in sorted(Path(folder).iterdir())}
    return {
        str(path): inside
        for path, inside in seen.items()
        if not path.is_symlink() and (path.is_dir() or path.is_file())
        if str(path) not in own and not any(folder.is_relative_to(path) for folder in closed)
    }


def _folders_above(paths: Iterable[str]) -> list[str]:
    # Bubblewrap makes the missing parents of a mount point for root alone; the student's user must pass through them.
    above: dict[str, None] = {}
    for path in paths:
        above.update(dict.fromkeys(str(parent) for parent in reversed(PurePosixPath(path).parents) if str(parent) != "/"))
    return [word for folder in above for word in ("--dir", folder)]


_RESOURCES = {
    Wall.MEMORY: ("RLIMIT_DATA",),
    Wall.DISK: ("RLIMIT_FSIZE",),
    Wall.PROCESSES: ("RLIMIT_NPROC",),
    Wall.CPU: ("RLIMIT_CPU",),
}


def resource_limits(limits: Limits, identity: Identity, demolished: frozenset[Wall] = frozenset()) -> dict[str, tuple[int, int]]:
    """Return the ``RLIMIT_*`` values (soft, hard) of every process inside."""
    values = {
        "RLIMIT_DATA": limits.memory_bytes + DATA_HEADROOM_BYTES,
        "RLIMIT_STACK": STACK_BYTES,
        "RLIMIT_FSIZE": limits.files_bytes,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_MEMLOCK": 64 * 1024,
        "RLIMIT_MSGQUEUE": 0,
        # One, not zero: zero still starts the machine's crash handler when core_pattern is a pipe, one does not.
        "RLIMIT_CORE": 1,
        "RLIMIT_NPROC": limits.processes,
    }
    if identity.namespaced and _kernel_release() < (5, 14):
        # Older kernels count all of the instructor's own processes: the watchdog counts alone there.
        del values["RLIMIT_NPROC"]
    pairs = {name: (value, value) for name, value in values.items() if hasattr(resource, name)}
    # The watchdog counts the CPU time of all processes together; this ends a single process if it does not run. The
    # first value ends it by SIGXCPU, which tells the cause; the second by SIGKILL, which cannot be ignored.
    cpu_s = math.ceil(limits.submission_s + limits.training_s) + 2
    pairs["RLIMIT_CPU"] = (cpu_s, cpu_s + 1)
    missing = {name for wall in demolished for name in _RESOURCES.get(wall, ())}
    return {name: pair for name, pair in pairs.items() if name not in missing}


def find_bwrap() -> Path:
    """Find a bubblewrap that can build these walls.

    Raises:
        SandboxMissing: not Linux, no bubblewrap, or one that is too old; says what to install.
    """
    if sys.platform != "linux":
        raise SandboxMissing(f"platform {sys.platform!r} has no bubblewrap; use Linux (or WSL 2)")
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxMissing("bwrap was not found on PATH; install it with `sudo apt-get install bubblewrap`")
    text = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    version = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    if version is None or tuple(map(int, version.groups())) < BWRAP_OLDEST:
        oldest = ".".join(map(str, BWRAP_OLDEST))
        raise SandboxMissing(
            f"{found} says {text.strip()!r} and must be bubblewrap {oldest} or newer; upgrade it with `sudo apt-get install bubblewrap`"
        )
    # An architecture without a filter is refused here, before anything is graded.
    filter_program()
    return Path(found)


def _kernel_release() -> tuple[int, int]:
    numbers = re.match(r"(\d+)\.(\d+)", platform.release())
    return (int(numbers.group(1)), int(numbers.group(2))) if numbers else (0, 0)
