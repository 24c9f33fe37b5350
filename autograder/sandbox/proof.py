"""What a proof of a wall is, and how a program inside is asked for one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.sandbox.enclosure import LAUNCHER, Enclosure
from autograder.sandbox.faults import SandboxFault
from autograder.sandbox.identity import Identity
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.limits import Limits
from autograder.sandbox.walls import PROGRAMS, WORK, Walls

PROBE = Path(__file__).with_name("probe.py")
LIMITS = Limits(memory_mib=512, processes=40, files_mib=64)
PROBE_S = 60.0


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


def proof_of(name: str, faults: list[str], good: str, required: bool = True) -> Proof:
    """Return the proof of a wall in which no fault, or some, were found."""
    return Proof(name, not faults, f"broken: {', '.join(faults)}" if faults else good, required)


@contextlib.contextmanager
def enclosed(interpreter: Interpreter, limits: Limits = LIMITS, group_limits: Limits | None = None) -> Iterator[Enclosure]:
    """Yield walls in which the probe can be started; nothing is left of them afterwards."""
    enclosure = Enclosure(Walls(interpreter, Identity.choose(), limits, programs=(*LAUNCHER, PROBE)), group_limits)
    try:
        yield enclosure
    finally:
        enclosure.close()


def start_probe(enclosure: Enclosure, interpreter: Interpreter, name: str, question: dict[str, Any]) -> None:
    """Start the probe with one of its questions."""
    argv = [str(interpreter.executable), "-I", "-S", f"{PROGRAMS}/{PROBE.name}", name, json.dumps(question)]
    enclosure.start(argv, {f"{WORK}/work.txt": b"work"})


def answer_of(enclosure: Enclosure, name: str) -> dict[str, Any]:
    """Wait for the probe's answer.

    Raises:
        SandboxFault: it ended without one.
    """
    status = enclosure.wait(PROBE_S)
    enclosure.close()
    said = enclosure.standard_output()
    if status != 0 or not said:
        reason = enclosure.standard_error().strip()[-500:] or "without a word"
        raise SandboxFault(f"the probe {name!r} ended with status {status}: {reason}")
    return json.loads(said)


def ask(interpreter: Interpreter, name: str, question: dict[str, Any]) -> dict[str, Any]:
    """Start the probe in walls of its own and return its answer.

    Raises:
        SandboxFault: the walls could not be built, or the probe did not answer.
    """
    with enclosed(interpreter) as enclosure:
        start_probe(enclosure, interpreter, name, question)
        return answer_of(enclosure, name)
