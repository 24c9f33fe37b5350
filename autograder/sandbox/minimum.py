"""The walls without which nothing is graded: tried once before a class is, and refused in one sentence where they are missing.

The minimum is: namespaces of its own (processes, files, network, IPC), no privilege (neither root nor any capability, for
good), the system-call filter, and a limit on memory by something. What comes on top (Landlock, control groups) is used
where the machine has it, and told by ``doctor`` where it has not.
"""

from __future__ import annotations

import os
from typing import Any

from autograder.sandbox.faults import SandboxFault, SandboxMissing
from autograder.sandbox.inner import privileges_left
from autograder.sandbox.interpreter import Interpreter, places_to_hide
from autograder.sandbox.proof import Proof, ask, proof_of
from autograder.sandbox.seccomp import refused_calls
from autograder.sandbox.walls import find_bwrap

NAMESPACES = ("ipc", "mnt", "net", "pid", "uts")
# Not those that any ordinary user is refused: an answer of the filter's is told by what the kernel would have said.
REFUSALS = frozenset({"EPERM", "ENOSYS"})


def require_minimum(interpreter: Interpreter | None = None) -> None:
    """Refuse to go on where the minimum does not stand; takes a fraction of a second.

    Args:
        interpreter: the Python that runs inside; None: the one that runs now.

    Raises:
        SandboxMissing: names each wall that is missing, and what to do.
    """
    interpreter = interpreter or Interpreter.current()
    find_bwrap()
    interpreter.refuse_exposure(places_to_hide())
    try:
        proofs = judge_minimum(ask(interpreter, "minimum", minimum_question()))
    except SandboxFault as error:
        raise SandboxMissing(str(error)) from error
    missing = [f"{proof.name} ({proof.detail})" for proof in proofs if not proof.ok]
    if missing:
        raise SandboxMissing(
            f"this machine is below the minimum for grading: {'; '.join(missing)}; run `python -m autograder doctor` to see what it lacks"
        )


def minimum_question() -> dict[str, Any]:
    """Return what the probe is to try for ``judge_minimum``."""
    return {"refused": refused_calls(), "namespaces": NAMESPACES}


def judge_minimum(found: dict[str, Any]) -> list[Proof]:
    """Turn what the probe found into the proofs of the minimum."""
    left = privileges_left(found["status"])
    filtered = [name for name in left if not name.startswith("Seccomp")]
    shared = [name for name, number in found["namespaces"].items() if number == os.stat(f"/proc/self/ns/{name}").st_ino]
    passed = [f"{name}: {answer}" for name, answer in found["refused"].items() if answer not in REFUSALS]
    unfiltered = [name for name in left if name.startswith("Seccomp")] + passed
    memory = [] if found["reserved"] == "ENOMEM" else [f"1 TiB at once: {found['reserved']}"]
    return [
        proof_of("namespaces", shared, f"its own {', '.join(found['namespaces'])}"),
        proof_of("no privileges", filtered, "uid and gid are not 0, no capability, no_new_privs"),
        proof_of("system-call filter", unfiltered, f"{len(found['refused'])} calls tried, none got past it"),
        proof_of("allocation limit", memory, "1 TiB at once ended with ENOMEM"),
    ]
