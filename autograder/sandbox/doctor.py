"""Proofs that the walls stand on this machine: a program inside tries to get out, and this side looks whether it did."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.sandbox.enclosure import LAUNCHER, Enclosure
from autograder.sandbox.faults import SandboxFault, SandboxMissing
from autograder.sandbox.identity import Identity
from autograder.sandbox.inner import privileges_left
from autograder.sandbox.interpreter import COURSE_ROOT, Interpreter, places_to_hide
from autograder.sandbox.limits import MEBIBYTE, Limits
from autograder.sandbox.walls import HOME, KERNEL, PROGRAMS, SHARED_MEMORY, WORK, Walls, find_bwrap
from autograder.sandbox.watchdog import Cause, Watchdog

PROBE = Path(__file__).with_name("probe.py")
LIMITS = Limits(memory_mib=512, processes=40, files_mib=64)
_PROBE_S = 60.0
_ENVIRONMENT_MARK = "VISLAB_DOCTOR_SECRET"


@dataclass(frozen=True)
class Proof:
    """One property of the walls, tried on this machine.

    Args:
        name: what is claimed.
        ok: whether the attempt to break it failed.
        detail: what was tried and what happened.
        required: whether grading must not be trusted without it.
    """

    name: str
    ok: bool
    detail: str
    required: bool = True


def prove(interpreter: Interpreter | None = None) -> list[Proof]:
    """Try every wall once; takes a few seconds and leaves nothing behind.

    Args:
        interpreter: the Python that runs inside; None: the one that runs now.

    Returns:
        All proofs; only the ones up to the first failure where the walls could not be built at all.
    """
    interpreter = interpreter or Interpreter.current()
    try:
        bwrap = find_bwrap()
        interpreter.refuse_exposure(places_to_hide())
    except SandboxMissing as error:
        return [Proof("bubblewrap", False, str(error))]
    identity = Identity.choose()
    how = "an ordinary user in a user namespace" if identity.namespaced else "root here, nobody's user inside"
    proofs = [Proof("bubblewrap", True, str(bwrap)), Proof("identity", True, how, required=False)]
    try:
        proofs += _prove_facts(interpreter)
        proofs.append(_prove_memory(interpreter))
        proofs.append(_prove_teardown(interpreter))
    except SandboxFault as error:
        proofs.append(Proof("walls", False, str(error)))
    return proofs


def _prove_facts(interpreter: Interpreter) -> list[Proof]:
    with tempfile.TemporaryDirectory(prefix="vislab-doctor-") as folder, _listeners() as question:
        Path(folder, "secret").write_text("outside")
        hidden = [COURSE_ROOT / name for name in ("pyproject.toml", "autograder", "assignments", "gradebook.db", "ledgers")]
        hidden += [Path(folder), *(home / name for home in places_to_hide() for name in (".ssh", ".config", ".git"))]
        question["hidden"] = [str(path) for path in hidden if os.path.lexists(path)]
        os.environ[_ENVIRONMENT_MARK] = "outside"
        try:
            found = _ask(interpreter, "facts", question)
        finally:
            del os.environ[_ENVIRONMENT_MARK]
    return judge_facts(found)


def judge_facts(found: dict[str, Any]) -> list[Proof]:
    """Turn what the probe found into proofs."""
    left = privileges_left(found["status"])
    reached = [name for name, result in found["connected"].items() if result == "ok"]
    leaked = [text for text in found["environments"] if _ENVIRONMENT_MARK in text]
    writable = sorted(set(found["writable"]) - {HOME, SHARED_MEMORY, KERNEL})
    done = [name for name, result in found["calls"].items() if result == "ok"]
    processes, file = found["processes"], found["file"]
    processes_detail = f"{processes['started']} children, then {processes['refusal']}; limit {LIMITS.processes}"
    file_detail = f"{file['written_bytes'] // MEBIBYTE} MiB, then {file['refusal']}; limit {LIMITS.files_mib} MiB; sparse: {file['sparse']}"
    file_ok = file["written_bytes"] <= LIMITS.files_bytes and file["sparse"] != "ok"
    return [
        _proof("no privileges", left, "uid and gid are not 0, no capability, no_new_privs, seccomp"),
        _proof("no network", reached, "listeners on loopback and an abstract socket were out of reach"),
        _proof("own loopback only", [name for name in found["interfaces"] if name != "lo"], "the only interface is lo"),
        _proof("no course tree", found["visible"], "the course, home and temporary folders of this machine do not exist inside"),
        _proof("no environment", leaked, "no variable of this process is in any environment inside"),
        _proof("own processes only", [str(pid) for pid in found["pids"][3:]], f"{len(found['pids'])} processes are visible inside"),
        _proof("private places only", writable, f"writable are {HOME} with /tmp, {SHARED_MEMORY} and {KERNEL}"),
        _proof("system calls refused", done, f"refused: {', '.join(found['calls'])}"),
        Proof("allocation limit", found["reserved"] == "ENOMEM", f"1 TiB at once ended with {found['reserved']}"),
        Proof("process limit", processes["started"] < LIMITS.processes, processes_detail),
        Proof("file limit", file_ok, file_detail),
    ]


def _proof(name: str, faults: list[str], good: str) -> Proof:
    return Proof(name, not faults, f"broken: {', '.join(faults)}" if faults else good)


def _prove_memory(interpreter: Interpreter) -> Proof:
    question = {"bytes": LIMITS.memory_bytes + 1024 * MEBIBYTE}
    with _enclosure(interpreter) as enclosure:
        _start(enclosure, interpreter, "memory", question)
        stores = [enclosure.folder(folder) for folder in (HOME, SHARED_MEMORY, KERNEL)]
        watchdog = Watchdog(enclosure.folder("/proc"), stores, LIMITS, enclosure.kill, group=enclosure.group)
        watchdog.start()
        enclosure.wait(_PROBE_S)
        watchdog.stop()
    peak = watchdog.peak_memory_bytes // MEBIBYTE
    return Proof("memory limit", watchdog.cause is Cause.MEMORY, f"killed at {peak} MiB; limit {LIMITS.memory_mib} MiB")


def _prove_teardown(interpreter: Interpreter) -> Proof:
    token = f"vislab-doctor-{secrets.token_hex(8)}"
    with _enclosure(interpreter) as enclosure:
        _start(enclosure, interpreter, "daemon", {"token": token})
        seen = _await(lambda: _daemons(token))
    left = _daemons(token)
    return Proof("nothing survives", bool(seen) and not left, f"a detached daemon: {len(seen)} seen before, {len(left)} after the end")


@contextlib.contextmanager
def _enclosure(interpreter: Interpreter) -> Iterator[Enclosure]:
    enclosure = Enclosure(Walls(interpreter, Identity.choose(), LIMITS, programs=(*LAUNCHER, PROBE)))
    try:
        yield enclosure
    finally:
        enclosure.close()


def _start(enclosure: Enclosure, interpreter: Interpreter, name: str, question: dict[str, Any]) -> None:
    argv = [str(interpreter.executable), "-I", "-S", f"{PROGRAMS}/{PROBE.name}", name, json.dumps(question)]
    enclosure.start(argv, {f"{WORK}/work.txt": b"work"})


def _ask(interpreter: Interpreter, name: str, question: dict[str, Any]) -> dict[str, Any]:
    with _enclosure(interpreter) as enclosure:
        _start(enclosure, interpreter, name, question)
        status = enclosure.wait(_PROBE_S)
    said = enclosure.standard_output()
    if status != 0 or not said:
        reason = enclosure.standard_error().strip()[-500:] or "without a word"
        raise SandboxFault(f"the probe {name!r} ended with status {status}: {reason}")
    return json.loads(said)


@contextlib.contextmanager
def _listeners() -> Iterator[dict[str, Any]]:
    abstract = f"vislab-doctor-{secrets.token_hex(8)}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as local, contextlib.ExitStack() as more:
        local.bind("\0" + abstract)
        local.listen()
        question = {"tcp": tcp.getsockname()[1], "tcp6": tcp.getsockname()[1], "abstract": abstract}
        with contextlib.suppress(OSError):
            # A machine without IPv6 has nothing to listen on; the probe then tries a port where nothing is.
            question["tcp6"] = more.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6)).getsockname()[1]
        yield question


def _daemons(token: str) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                words = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
                # Exactly: the probe's own command line holds the token inside its question.
                if token.encode() in words:
                    found.append(int(name))
    return found


def _await(look: Callable[[], list[int]]) -> list[int]:
    deadline = time.monotonic() + 10
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
