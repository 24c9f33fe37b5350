"""A program that is run inside the walls and tries what must not work; it prints what it found as one line of JSON.

It is started as ``python -I -S probe.py QUESTION JSON`` and imports nothing outside the standard library. Each attempt
is bounded, so that missing walls do no harm.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

MEBIBYTE = 1 << 20
PROCESSES_MAX = 200
FILE_BYTES_MAX = 1024 * MEBIBYTE
SECONDS_MAX = 60
_CALLS = {"x86_64": {"clone": 56, "memfd_create": 319}, "aarch64": {"clone": 220, "memfd_create": 279}}
_CLONE_NEWUSER = 0x10000000
_PTRACE_ATTACH = 16
_AF_VSOCK = 40
# Otherwise the kernel refuses a terabyte on most machines anyway, with or without a limit.
_MAP_NORESERVE = 0x4000


def outcome(attempt: Callable[[], Any]) -> str:
    """Return ``"ok"``, or the name of the error that the attempt ended with."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except MemoryError:
        return "ENOMEM"
    return "ok"


def facts(question: dict[str, Any]) -> dict[str, Any]:
    """Look around and try every door once.

    Args:
        question: ``tcp``, ``tcp6`` ports and ``abstract`` name of listeners outside, ``hidden`` paths, ``covered`` paths,
            and what ``minimum`` asks.
    """
    return {
        **minimum(question),
        "covered": {path: outcome(lambda at=path: read_some(at)) for path in question["covered"]},  # type: ignore[misc]
        "domain": domain(),
        "environments": environments(),
        "pids": [int(name) for name in os.listdir("/proc") if name.isdecimal()],
        "interfaces": [line.split(":")[0].strip() for line in read_text("/proc/net/dev").splitlines() if ":" in line],
        "connected": {
            "tcp": outcome(lambda: connect(socket.AF_INET, ("127.0.0.1", question["tcp"]))),
            "tcp6": outcome(lambda: connect(socket.AF_INET6, ("::1", question["tcp6"]))),
            "abstract": outcome(lambda: connect(socket.AF_UNIX, "\0" + question["abstract"])),
            "vsock": outcome(lambda: socket.socket(_AF_VSOCK, socket.SOCK_STREAM).close()),
        },
        "visible": [path for path in question["hidden"] if os.path.lexists(path)],
        "writable": writable_mounts(),
        "calls": forbidden_calls(),
        "processes": fill_processes(),
        "file": fill_file(),
    }


def minimum(question: dict[str, Any]) -> dict[str, Any]:
    """Try the walls without which nothing is graded.

    Args:
        question: ``refused``: numbers of system calls by name; ``namespaces``: their kinds.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # Every argument is -1: no such file, process or address, so that nothing happens where the filter is missing.
    arguments = [ctypes.c_long(-1)] * 6
    refused = {}
    for name, number in question["refused"].items():
        ctypes.set_errno(0)
        passed = libc.syscall(ctypes.c_long(number), *arguments) != -1
        refused[name] = "ok" if passed else errno.errorcode.get(ctypes.get_errno(), "unknown")
    return {
        "status": read_text("/proc/self/status"),
        "namespaces": {kind: os.stat(f"/proc/self/ns/{kind}").st_ino for kind in question["namespaces"]},
        "refused": refused,
        "reserved": outcome(lambda: mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE).close()),
    }


def domain() -> dict[str, str]:
    """Try what nothing but a Landlock domain refuses: the program's own entries in /proc are its own to write."""
    comm = read_text("/proc/self/comm")
    return {"write /proc/self/comm": outcome(lambda: write_text("/proc/self/comm", comm)), "signal pid 1": outcome(lambda: os.kill(1, 0))}


def environments() -> list[str]:
    """Return every environment that can be read, one string a process."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal() and outcome(lambda at=name: read_text(f"/proc/{at}/environ")) == "ok":  # type: ignore[misc]
            found.append(read_text(f"/proc/{name}/environ"))
    return found


def forbidden_calls() -> dict[str, str]:
    """Try the system calls that the filter refuses, and root's ones."""
    libc = ctypes.CDLL(None, use_errno=True)
    numbers = _CALLS[os.uname().machine]
    return {
        "ptrace": call(libc, lambda: attach_to_child(libc)),
        "unshare": call(libc, lambda: libc.unshare(_CLONE_NEWUSER)),
        "clone": call(libc, lambda: clone_user_namespace(libc, numbers["clone"])),
        "mount": call(libc, lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
        "memfd_create": call(libc, lambda: libc.syscall(numbers["memfd_create"], b"probe", 0)),
        "symlink": outcome(lambda: os.symlink("/", "probe-link")),
        "setuid": outcome(lambda: os.setuid(0)),
    }


def attach_to_child(libc: ctypes.CDLL) -> int:
    """Trace a process of our own."""
    child = os.fork()
    if child == 0:
        signal.pause()
    result = libc.ptrace(_PTRACE_ATTACH, child, 0, 0)
    error = ctypes.get_errno()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    ctypes.set_errno(error)
    return result


def clone_user_namespace(libc: ctypes.CDLL, number: int) -> int:
    """Fork into a new user namespace, in which a process would be root."""
    child = libc.syscall(number, _CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    error = ctypes.get_errno()
    if child > 0:
        os.waitpid(child, 0)
    ctypes.set_errno(error)
    return child


def call(libc: ctypes.CDLL, attempt: Callable[[], int]) -> str:
    """Return the outcome of a C call that answers -1 for an error."""
    ctypes.set_errno(0)
    return "ok" if attempt() != -1 else errno.errorcode.get(ctypes.get_errno(), "unknown")


def connect(family: int, address: Any) -> None:
    """Open a connection and close it again."""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(5)
        sock.connect(address)


def writable_mounts() -> list[str]:
    """Return the mount points below which a file could be created."""
    found = []
    for line in read_text("/proc/self/mountinfo").splitlines():
        point = line.split()[4]
        if os.path.isdir(point) and outcome(lambda at=point: touch(at)) == "ok":  # type: ignore[misc]
            found.append(point)
    return sorted(set(found))


def touch(folder: str) -> None:
    """Create an empty file in a folder and remove it."""
    path = os.path.join(folder, "probe-file")
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    os.unlink(path)


def fill_processes() -> dict[str, Any]:
    """Start children that wait, until one is refused or there are 200."""
    wait_end, hold_end = os.pipe()
    children: list[int] = []
    refusal = "ok"
    try:
        while len(children) < PROCESSES_MAX:
            child = os.fork()
            if child == 0:
                os.close(hold_end)
                os.read(wait_end, 1)
                os._exit(0)
            children.append(child)
    except OSError as error:
        refusal = errno.errorcode.get(error.errno or 0, str(error))
    finally:
        os.close(hold_end)
        os.close(wait_end)
        for child in children:
            os.waitpid(child, 0)
    return {"started": len(children), "refusal": refusal}


def fill_file() -> dict[str, Any]:
    """Write files of 16 MiB pieces until the folder is full or holds 1 GiB, then try a sparse terabyte."""
    piece = bytes(16 * MEBIBYTE)
    written, refusal = 0, "ok"
    names: list[str] = []
    try:
        while written < FILE_BYTES_MAX:
            names.append(f"probe-{len(names)}")
            with open(names[-1], "wb", buffering=0) as stream:
                written += stream.write(piece)
    except OSError as error:
        refusal = errno.errorcode.get(error.errno or 0, str(error))
    finally:
        for name in names:
            os.unlink(name)
    return {"written_bytes": written, "refusal": refusal, "sparse": outcome(sparse_terabyte)}


def sparse_terabyte() -> None:
    """Ask for a file of 1 TiB that would take no room."""
    with open("probe-sparse", "wb") as stream:
        stream.truncate(1 << 40)
    os.unlink("probe-sparse")


def fill_memory(question: dict[str, Any]) -> dict[str, Any]:
    """Touch memory piece by piece up to ``bytes``."""
    held: list[bytes] = []
    while len(held) * 16 * MEBIBYTE < question["bytes"]:
        held.append(b"\1" * (16 * MEBIBYTE))
    time.sleep(2)
    return {"held_bytes": len(held) * 16 * MEBIBYTE}


def daemon(question: dict[str, Any]) -> dict[str, Any]:
    """Leave a process behind that left its session and its parent; it can be told by ``token`` in its command line."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", f"import time; time.sleep({SECONDS_MAX})", question["token"]])
        os._exit(0)
    os.wait()
    with open("/dev/shm/probe", "wb") as stream:
        stream.write(b"left behind")
    return {"daemon": "started"}


def read_some(path: str) -> None:
    """Read the first byte of a file, or the first name of a folder.

    Raises:
        FileNotFoundError: there is nothing to read.
    """
    found: Any
    if os.path.isdir(path):
        found = os.listdir(path)
    else:
        with open(path, "rb", buffering=0) as stream:
            found = stream.read(1)
    if not found:
        raise FileNotFoundError(errno.ENOENT, "nothing in it")


def write_text(path: str, text: str) -> None:
    """Write a file that is there already."""
    with open(path, "w") as stream:
        stream.write(text)


def read_text(path: str) -> str:
    """Return a file's text."""
    with open(path) as stream:
        return stream.read()


def main(name: str, question: dict[str, Any]) -> None:
    """Answer one question; ``daemon`` then stays, so that its sandbox is torn down while it is alive."""
    answer = {"facts": facts, "minimum": minimum, "processes": lambda _: fill_processes(), "memory": fill_memory, "daemon": daemon}[name](
        question
    )
    print(json.dumps(answer), flush=True)
    if name == "daemon":
        time.sleep(SECONDS_MAX)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
