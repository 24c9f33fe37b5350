"""Proofs that the walls stand on this machine: a program inside tries to get out, and this side looks whether it did."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.sandbox.faults import SandboxFault, SandboxMissing
from autograder.sandbox.fork_proof import prove_fork
from autograder.sandbox.identity import Identity
from autograder.sandbox.interpreter import COURSE_ROOT, Interpreter, places_to_hide
from autograder.sandbox.limits import MEBIBYTE
from autograder.sandbox.masks import HIDDEN_FOLDERS, PROC_FILES, PROC_FOLDERS, setuid_programs
from autograder.sandbox.minimum import judge_minimum, minimum_question
from autograder.sandbox.proof import LIMITS, PROBE_S, Proof, answer_of, enclosed, proof_of, start_probe
from autograder.sandbox.walls import HOME, KERNEL, SHARED_MEMORY, find_bwrap
from autograder.sandbox.watchdog import Cause, Watchdog

_ENVIRONMENT_MARK = "VISLAB_DOCTOR_SECRET"
# What the control group alone allows, where the process limit of the user would allow more.
_GROUP_PROCESSES = 24


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
        proofs.append(_prove_group(interpreter))
        proofs.append(_prove_teardown(interpreter))
        proofs += prove_fork(interpreter)
    except SandboxFault as error:
        proofs.append(Proof("walls", False, str(error)))
    return proofs


def _prove_facts(interpreter: Interpreter) -> list[Proof]:
    with tempfile.TemporaryDirectory(prefix="vislab-doctor-") as folder, _listeners() as question:
        Path(folder, "secret").write_text("outside")
        hidden = [COURSE_ROOT / name for name in ("pyproject.toml", "autograder", "assignments", "gradebook.db", "ledgers")]
        hidden += [Path(folder), *(home / name for home in places_to_hide() for name in (".ssh", ".config", ".git"))]
        question |= minimum_question()
        question["covered"] = [path for path in (*PROC_FILES, *PROC_FOLDERS, *setuid_programs(), *HIDDEN_FOLDERS) if os.path.exists(path)]
        question["hidden"] = [str(path) for path in hidden if os.path.lexists(path)]
        os.environ[_ENVIRONMENT_MARK] = "outside"
        try:
            found = _facts(interpreter, question)
        finally:
            del os.environ[_ENVIRONMENT_MARK]
    return judge_facts(found)


def _facts(interpreter: Interpreter, question: dict[str, Any]) -> dict[str, Any]:
    with enclosed(interpreter) as enclosure:
        start_probe(enclosure, interpreter, "facts", question)
        return {**answer_of(enclosure, "facts"), "landlock": enclosure.landlock_abi}


def judge_facts(found: dict[str, Any]) -> list[Proof]:
    """Turn what the probe found into proofs."""
    reached = [name for name, result in found["connected"].items() if result == "ok"]
    leaked = [text for text in found["environments"] if _ENVIRONMENT_MARK in text]
    writable = sorted(set(found["writable"]) - {HOME, SHARED_MEMORY, KERNEL})
    done = [name for name, result in found["calls"].items() if result == "ok"]
    processes, file = found["processes"], found["file"]
    processes_detail = f"{processes['started']} children, then {processes['refusal']}; limit {LIMITS.processes}"
    file_detail = f"{file['written_bytes'] // MEBIBYTE} MiB, then {file['refusal']}; limit {LIMITS.files_mib} MiB; sparse: {file['sparse']}"
    file_ok = file["written_bytes"] <= LIMITS.files_bytes and file["sparse"] != "ok"
    uncovered = [path for path, result in found["covered"].items() if result == "ok"]
    return [
        *judge_minimum(found),
        _judge_domain(found["landlock"], found["domain"]),
        proof_of("no network", reached, "listeners on loopback and an abstract socket were out of reach"),
        proof_of("own loopback only", [name for name in found["interfaces"] if name != "lo"], "the only interface is lo"),
        proof_of("no course tree", found["visible"], "the course, home and temporary folders of this machine do not exist inside"),
        proof_of("no environment", leaked, "no variable of this process is in any environment inside"),
        proof_of("own processes only", [str(pid) for pid in found["pids"][3:]], f"{len(found['pids'])} processes are visible inside"),
        proof_of("private places only", writable, f"writable are {HOME} with /tmp, {SHARED_MEMORY} and {KERNEL}"),
        proof_of("system calls refused", done, f"refused: {', '.join(found['calls'])}"),
        proof_of("machine's own /proc and set-uid programs", uncovered, f"{len(found['covered'])} files and folders are covered"),
        Proof("process limit", processes["started"] < LIMITS.processes, processes_detail),
        Proof("file limit", file_ok, file_detail),
    ]


def _judge_domain(abi: int, tried: dict[str, str]) -> Proof:
    if abi == 0:
        return Proof("Landlock", False, "this kernel has none: namespaces and the filter stand alone", required=False)
    wanted = {name: result for name, result in tried.items() if abi >= 6 or name != "signal pid 1"}
    parts = {1: "files", 4: "TCP", 5: "devices", 6: "signals and abstract sockets"}
    known = ", ".join(part for first, part in parts.items() if abi >= first)
    return proof_of("Landlock", [name for name, result in wanted.items() if result == "ok"], f"ABI {abi}: {known}")


def _prove_group(interpreter: Interpreter) -> Proof:
    name = "control group"
    with enclosed(interpreter) as enclosure:
        # Nobody watches: what ends this is the kernel.
        start_probe(enclosure, interpreter, "memory", {"bytes": LIMITS.memory_bytes + 512 * MEBIBYTE})
        enclosure.wait(PROBE_S)
        if enclosure.group is None or "memory" not in enclosure.group.controllers:
            return Proof(name, False, "this user may make none here: the watchdog measures, twenty times a second", required=False)
        kills, controllers = enclosure.group.memory_kills(), enclosure.group.controllers
    faults = [] if kills else [f"nothing was killed for {LIMITS.memory_mib + 512} MiB; limit {LIMITS.memory_mib} MiB"]
    if "pids" in controllers:
        with enclosed(interpreter, group_limits=replace(LIMITS, processes=_GROUP_PROCESSES)) as enclosure:
            start_probe(enclosure, interpreter, "processes", {})
            started = answer_of(enclosure, "processes")["started"]
        faults += [f"{started} children; limit {_GROUP_PROCESSES}"] if started >= _GROUP_PROCESSES else []
    return proof_of(name, faults, f"the kernel counts {', '.join(sorted(controllers))}, and killed what took too much")


def _prove_memory(interpreter: Interpreter) -> Proof:
    question = {"bytes": LIMITS.memory_bytes + 1024 * MEBIBYTE}
    with enclosed(interpreter) as enclosure:
        start_probe(enclosure, interpreter, "memory", question)
        stores = [enclosure.folder(folder) for folder in (HOME, SHARED_MEMORY, KERNEL)]
        watchdog = Watchdog(enclosure.folder("/proc"), stores, LIMITS, enclosure.kill, group=enclosure.group)
        watchdog.start()
        enclosure.wait(PROBE_S)
        watchdog.stop()
    peak = watchdog.peak_memory_bytes // MEBIBYTE
    return Proof("memory limit", watchdog.cause is Cause.MEMORY, f"killed at {peak} MiB; limit {LIMITS.memory_mib} MiB")


def _prove_teardown(interpreter: Interpreter) -> Proof:
    token = f"vislab-doctor-{secrets.token_hex(8)}"
    with enclosed(interpreter) as enclosure:
        start_probe(enclosure, interpreter, "daemon", {"token": token})
        seen = _await(lambda: _daemons(token))
    left = _daemons(token)
    return Proof("nothing survives", bool(seen) and not left, f"a detached daemon: {len(seen)} seen before, {len(left)} after the end")


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
