"""The first program inside the walls: gives up every privilege, sets the limits, lays out the files, becomes the kernel.

It is started as ``python -I -S inner.py STATUS_FD`` and imports nothing outside the standard library, because it runs
before there is anything to trust, but for ``landlock.py`` beside it. Standard input carries a parcel (see
``parcel.py``); one line of JSON goes back on the status descriptor: ``{"ready": true, "landlock": ABI}`` or
``{"ready": false, "error": TEXT}``.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO

# What may be left where a test has taken a wall down (see demolition.py, which is not visible here).
EXCUSED = {"uid": ("Uid=", "Gid="), "capabilities": ("Cap",), "seccomp": ("Seccomp=",)}
PR_SET_KEEPCAPS, PR_CAP_AMBIENT_RAISE = 8, 2
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 23, 24, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_FAILED = 70


def main(status_fd: int) -> None:
    """Follow the parcel on standard input and exec its program; on any failure report it and exit."""
    try:
        # Nothing the grader had open may reach student code, whatever its flags were.
        close_all_but({0, 1, 2, status_fd})
        go_first()
        plan = read_plan(sys.stdin.buffer)
        demolished = set(plan.get("demolished", ()))
        if plan["walled"]:
            if "capabilities" in demolished:
                keep_capabilities(plan["uid"], plan["gid"], plan["own"])
            else:
                give_up_privileges(plan["uid"], plan["gid"], plan["own"])
            faults = privileges_left(read_text("/proc/self/status"))
            excused = tuple(sign for wall, signs in EXCUSED.items() if wall in demolished for sign in signs)
            faults = [fault for fault in faults if not fault.startswith(excused)]
            if faults:
                raise RuntimeError("privileges are left after they were given up: " + ", ".join(faults))
        os.umask(0o022)
        for path, size_bytes in plan["files"]:
            place(path, sys.stdin.buffer, size_bytes)
        for folder in plan["folders"]:
            os.makedirs(folder, exist_ok=True)
        prepare_process(plan)
        abi = enter_domain(plan["rules"], demolished) if plan["walled"] else 0
        os.write(status_fd, json.dumps({"ready": True, "landlock": abi}).encode() + b"\n")
        # The grader opens what it will watch before the program can run, and says go by ending the parcel.
        sys.stdin.buffer.read()
        empty_standard_input()
        os.close(status_fd)
        os.execve(plan["argv"][0], plan["argv"], plan["env"])
    except BaseException as error:
        report = {"ready": False, "error": f"{type(error).__name__}: {error}"}
        try:
            os.write(status_fd, json.dumps(report).encode() + b"\n")
        except OSError:
            # The exec itself failed after the status line: standard error is what is left.
            os.write(2, json.dumps(report).encode() + b"\n")
        os._exit(_FAILED)


def close_all_but(kept: set[int]) -> None:
    """Close every open descriptor that is not in ``kept``."""
    for name in os.listdir("/dev/fd"):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                # The listing's own descriptor is among the names and closed by now.
                pass


def read_plan(stream: BinaryIO) -> dict[str, Any]:
    """Read the plan that a parcel begins with; the bytes of its files follow in the stream."""
    (length,) = struct.unpack(">Q", read_exactly(stream, 8))
    return json.loads(read_exactly(stream, length))


def read_exactly(stream: BinaryIO, count: int) -> bytes:
    """Read ``count`` bytes.

    Raises:
        EOFError: the stream ended early.
    """
    content = stream.read(count)
    if len(content) != count:
        raise EOFError(f"the parcel ended after {len(content)} of {count} bytes")
    return content


def place(path: str, stream: BinaryIO, size_bytes: int) -> None:
    """Write the next file of the parcel."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as target:
        target.write(read_exactly(stream, size_bytes))


def give_up_privileges(uid: int | None, gid: int | None, own: Iterable[str]) -> None:
    """Become an ordinary user without any capability, for good.

    Args:
        uid: user to become; None where a user namespace shows this process as that user already.
        gid: group to become.
        own: folders that this user is given, each before the one that contains it (root without CAP_DAC_OVERRIDE cannot
            enter what it has given away).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if uid is not None and gid is not None:
        for folder in own:
            os.chown(folder, uid, gid)
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            _checked(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "PR_CAPBSET_DROP")
    if uid is not None and gid is not None:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "PR_CAP_AMBIENT")
    header = struct.pack("II", _CAPABILITY_VERSION_3, 0)
    _checked(libc.capset(header, b"\0" * 24), "capset")
    _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")


def keep_capabilities(uid: int | None, gid: int | None, own: Iterable[str]) -> None:
    """Become an ordinary user and keep every capability over an exec: what a test gets that took this wall down."""
    libc = ctypes.CDLL(None, use_errno=True)
    shown = dict(line.split(":", 1) for line in read_text("/proc/self/status").splitlines() if ":" in line)
    held = int(shown["CapPrm"], 16)
    if uid is not None and gid is not None:
        for folder in own:
            os.chown(folder, uid, gid)
        _checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "PR_SET_KEEPCAPS")
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    low, high = held & 0xFFFFFFFF, held >> 32
    _checked(libc.capset(struct.pack("II", _CAPABILITY_VERSION_3, 0), struct.pack("6I", low, low, low, high, high, high)), "capset")
    for capability in range(64):
        if held >> capability & 1:
            _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), "PR_CAP_AMBIENT_RAISE")
    _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")


def privileges_left(status: str) -> list[str]:
    """Name what ``/proc/self/status`` shows that student code must not have; empty when all is given up."""
    shown = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    left = [f"{name}={shown[name].strip()}" for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(shown[name], 16)]
    left += [f"{name}={shown[name].strip()}" for name in ("Uid", "Gid") if "0" in shown[name].split()]
    if shown["NoNewPrivs"].strip() != "1":
        left.append("NoNewPrivs=0")
    if shown["Seccomp"].strip() != "2":
        left.append("Seccomp=" + shown["Seccomp"].strip())
    return left


def enter_domain(rules: dict[str, list[str]], demolished: set[str]) -> int:
    """Enter a Landlock domain where this kernel has them.

    Returns:
        The ABI that is in force; 0: none.
    """
    # Last on the path, so that nothing beside this file can shadow the standard library.
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    import landlock

    abi = landlock.probe_abi()
    if "landlock" in demolished or abi == 0:
        return 0
    landlock.restrict(rules, abi=abi, network="network" not in demolished)
    return abi


def prepare_process(plan: dict[str, Any]) -> None:
    """Set limits, session, signals and working directory for the program to come."""
    limit_process(plan)
    # Python ignores these, and ignored signals survive exec: programs that students start would not die of a closed pipe.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    if not os.access(plan["argv"][0], os.X_OK):
        raise PermissionError(f"{plan['argv'][0]} cannot be run by uid {os.getuid()}")


def go_first() -> None:
    """Be ended before the grader when the machine runs out of memory; asked for while this process is root's, who alone may after."""
    try:
        with open("/proc/self/oom_score_adj", "w") as target:
            target.write("1000")
    except OSError:
        pass


def limit_process(plan: dict[str, Any]) -> None:
    """Set limits, session and working directory of this process."""
    for name, pair in plan["limits"].items():
        kind = getattr(resource, name)
        highest = resource.getrlimit(kind)[1]
        soft, hard = (value if highest == resource.RLIM_INFINITY else min(value, highest) for value in pair)
        resource.setrlimit(kind, (soft, hard))
    if os.getsid(0) != os.getpid():
        # The kernel interrupts its own process group: a session of its own keeps the sandbox's pid 1 out of that group.
        os.setsid()
    os.chdir(plan["cwd"])


def empty_standard_input() -> None:
    """Let the program to come read nothing."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def read_text(path: str) -> str:
    """Return a file's text."""
    with open(path) as stream:
        return stream.read()


def _checked(result: int, call: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{call} failed: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
