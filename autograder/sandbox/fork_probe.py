"""A program that two children of a fork server run, one after the other: the first leaves all it can behind, the second looks for it.

It is started as ``fork_probe.py QUESTION JSON`` and imports nothing outside the standard library.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from typing import Any

PLACES = ("/dev/shm", "/tmp", "/home/student", "/home/student/work", "/run/kernel", "/run/judge", "/run/judges")
_PTRACE_SEIZE, _PTRACE_DETACH = 0x4206, 17
_SECONDS_MAX = 60


def leave(question: dict[str, Any]) -> dict[str, Any]:
    """Leave marks in every place, in the environment and in a module, and a process of another session."""
    token = question["token"]
    for place in PLACES:
        try:
            with open(f"{place}/{token}", "w") as mark:
                mark.write(token)
        except OSError:
            continue
    os.environ[token] = token
    setattr(json, token, token)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(_SECONDS_MAX)
        os._exit(0)
    os.wait()
    return {"left": True}


def find(question: dict[str, Any]) -> dict[str, Any]:
    """Look for what another child left, and reach for the server.

    Args:
        question: ``token`` of the marks; ``servers``: numbers by which the server may be known; ``namespaces``: their kinds.
    """
    token = question["token"]
    listed = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    # Its own number here may be the server's number elsewhere.
    servers = sorted({*question["servers"], os.getppid(), *listed} - {0, os.getpid()})
    return {
        "marks": [place for place in PLACES if os.path.lexists(f"{place}/{token}")]
        + ["environment"] * (token in os.environ)
        + ["module"] * hasattr(json, token),
        "opened": [path for server in servers for path in opened(server)],
        # Pid 1 ignores what it is sent from inside.
        "signalled": [server for server in servers if server != 1 and signalled(server)],
        "traced": [server for server in servers if traced(server)],
        "descriptors": [name for name in os.listdir("/proc/self/fd") if int(name) > 2 and os.path.exists(f"/proc/self/fd/{name}")],
        "pids": listed,
        "namespaces": {kind: os.stat(f"/proc/self/ns/{kind}").st_ino for kind in question["namespaces"]},
    }


def opened(pid: int) -> list[str]:
    """Return what can be opened of a process."""
    found = []
    for name, flags in (("mem", os.O_RDONLY), ("mem", os.O_RDWR), ("environ", os.O_RDONLY), ("fd", os.O_RDONLY), ("cwd", os.O_RDONLY)):
        try:
            os.close(os.open(f"/proc/{pid}/{name}", flags))
            found.append(f"/proc/{pid}/{name}")
        except OSError:
            continue
    return found


def signalled(pid: int) -> bool:
    """Tell whether a process may be sent a signal; none is sent."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def traced(pid: int) -> bool:
    """Tell whether a process may be traced."""
    libc = ctypes.CDLL(None)
    if libc.ptrace(_PTRACE_SEIZE, pid, 0, 0) != 0:
        return False
    os.kill(pid, signal.SIGSTOP)
    libc.ptrace(_PTRACE_DETACH, pid, 0, 0)
    os.kill(pid, signal.SIGCONT)
    return True


if __name__ == "__main__":
    print(json.dumps({"leave": leave, "find": find}[sys.argv[1]](json.loads(sys.argv[2]))), flush=True)
    # A warm interpreter takes its time to end.
    os._exit(0)
