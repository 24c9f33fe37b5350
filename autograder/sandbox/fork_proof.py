"""Proofs that a child of the fork server is behind walls as high as anybody's: tried on this machine before one runs a submission."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.sandbox.demolition import down
from autograder.sandbox.enclosure import LAUNCHER, NAMESPACES
from autograder.sandbox.faults import SandboxFault, SandboxMissing
from autograder.sandbox.forked import ForkedEnclosure
from autograder.sandbox.identity import Identity
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.keeper import Server, end_servers, warm_server
from autograder.sandbox.minimum import judge_minimum, minimum_question
from autograder.sandbox.proof import LIMITS, PROBE, Proof, answer_of, proof_of
from autograder.sandbox.walls import PROGRAMS, Walls

FORK_PROBE = Path(__file__).with_name("fork_probe.py")


def prove_fork(interpreter: Interpreter | None = None, data: tuple[Path, ...] = ()) -> list[Proof]:
    """Try whether a child can reach the server or an earlier child; takes half a second once the server is warm.

    Args:
        interpreter: the Python that is warmed up; None: the one that runs now.
        data: data files that the children may read.

    Returns:
        All proofs, none of them required: without them every run gets an interpreter of its own.
    """
    if down():
        return [Proof("fork server", False, f"walls are down: {', '.join(sorted(down()))}", required=False)]
    try:
        server = warm_server(interpreter, data)
        token = f"vislab-{secrets.token_hex(8)}"
        with contextlib.ExitStack() as kept:
            before, left = _leave(server, token, kept)
            question = {"token": token, "servers": _numbers(server.pid), "namespaces": list(NAMESPACES)}
            found = _ask(server, FORK_PROBE, "find", question)
        minimum = judge_minimum(_ask(server, PROBE, "minimum", minimum_question()))
        held = sum(int(line.split()[1]) for line in _status(server.pid) if line.startswith("RssAnon"))
        own = {kind: _namespace(server.pid, kind) for kind in NAMESPACES}
    except (SandboxFault, SandboxMissing, OSError) as error:
        # what /proc shows of a process is gone once somebody has killed it.
        return [Proof("fork server", False, str(error), required=False)]
    proofs = [
        Proof("fork server", True, f"warm, one thread, {held // 1024} MiB", required=False),
        *judge_fork(found, left, [before, own]),
    ]
    return [*proofs, *(replace(proof, name=f"forked: {proof.name}", required=False) for proof in minimum)]


def judge_fork(found: dict[str, Any], left: int, others: Iterable[dict[str, int]]) -> list[Proof]:
    """Turn what the second child found into proofs.

    Args:
        found: its answer.
        left: processes of the first child that were there when it had been torn down.
        others: namespaces, by kind, of the first child and of the server.
    """
    reached = [*found["opened"], *(f"signal to {pid}" for pid in found["signalled"]), *(f"trace of {pid}" for pid in found["traced"])]
    reached += [f"descriptor {name}" for name in found["descriptors"]] + [f"process {pid}" for pid in found["pids"] if pid > 2]
    earlier = [*found["marks"], *(["a process"] if left else [])]
    shared = sorted({kind for other in others for kind, number in found["namespaces"].items() if other[kind] == number})
    return [
        proof_of("forked: server out of reach", reached, "its memory, environment and descriptors, signals, tracing", required=False),
        proof_of("forked: nothing of earlier children", earlier, "files, variables, modules and processes that one left", required=False),
        proof_of("forked: own namespaces", shared, f"its own {', '.join(found['namespaces'])}", required=False),
    ]


@functools.cache
def fork_faults(interpreter: Interpreter | None = None, data: tuple[Path, ...] = ()) -> tuple[str, ...]:
    """Return what keeps this process from forking kernels, in words; empty when every proof holds. Tried once a process and set of data."""
    faults = tuple(f"{proof.name}: {proof.detail}" for proof in prove_fork(interpreter, data) if not proof.ok)
    if faults:
        # Nobody will ask it again.
        end_servers()
    return faults


def _leave(server: Server, token: str, kept: contextlib.ExitStack) -> tuple[dict[str, int], int]:
    enclosure = _start(server, FORK_PROBE, "leave", {"token": token})
    try:
        seen = os.dup(enclosure.folder("/proc"))
        kept.callback(os.close, seen)
        # Held open: the number of a namespace that is gone may be given to the next one.
        for kind in NAMESPACES:
            kept.callback(os.close, os.open(f"/proc/{enclosure.init_pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC))
        answer_of(enclosure, "leave")
        try:
            return enclosure.namespaces, sum(name.isdecimal() for name in os.listdir(seen))
        except OSError:
            return enclosure.namespaces, 0
    finally:
        enclosure.close()


def _ask(server: Server, program: Path, name: str, question: dict[str, Any]) -> dict[str, Any]:
    enclosure = _start(server, program, name, question)
    try:
        return answer_of(enclosure, name)
    finally:
        enclosure.close()


def _start(server: Server, program: Path, name: str, question: dict[str, Any]) -> ForkedEnclosure:
    walls = Walls(server.walls.interpreter, Identity.choose(), LIMITS, programs=(*LAUNCHER, program), data=server.walls.data)
    enclosure = ForkedEnclosure(walls, server)
    enclosure.start(["python", f"{PROGRAMS}/{program.name}", name, json.dumps(question)], {})
    return enclosure


def _status(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/status").read_text().splitlines()


def _numbers(pid: int) -> list[int]:
    """Return the numbers of a process in every namespace that has one for it."""
    line = next(line for line in _status(pid) if line.startswith("NSpid:"))
    return [int(number) for number in line.split()[1:]]


def _namespace(pid: int, kind: str) -> int:
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino
