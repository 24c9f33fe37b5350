"""Walls by default; without them only when somebody typed out that they are not wanted."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from autograder.sandbox.demolition import down
from autograder.sandbox.faults import SandboxMissing
from autograder.sandbox.fork_proof import fork_faults
from autograder.sandbox.forked_sandbox import ForkedSandbox, too_many_faults
from autograder.sandbox.limits import Limits
from autograder.sandbox.parcel import WorkFiles
from autograder.sandbox.plain import PlainSandbox
from autograder.sandbox.sandbox import Sandbox

log = logging.getLogger(__name__)


class Start(StrEnum):
    """How kernels are started.

    ``auto`` forks them from a warm interpreter where every proof of that holds on this machine, and starts an interpreter
    for each elsewhere. ``forked`` refuses where they cannot be forked.
    """

    AUTO = "auto"
    FRESH = "fresh"
    FORKED = "forked"


def open_sandbox(
    work_files: WorkFiles,
    judge_dir: Path | None = None,
    limits: Limits | None = None,
    *,
    data: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    unsafe_no_sandbox: bool = False,
    start: Start = Start.AUTO,
    pictures: bool = True,
) -> Sandbox | PlainSandbox:
    """Return a place for one run, to be used as a context manager.

    Args:
        work_files, judge_dir, limits, data, environment, pictures: see ``RunHome``.
        unsafe_no_sandbox: True: no walls at all, see ``PlainSandbox``.
        start: how its kernel is started.

    Raises:
        SandboxMissing: this machine cannot build the walls, names what to install; or kernels cannot be forked and must be.
        WorkFilesError: the files cannot be placed.
    """
    if unsafe_no_sandbox:
        return PlainSandbox(work_files, judge_dir, limits, data=data, environment=environment, pictures=pictures)
    if start is Start.FORKED and (why := _unforkable(environment, data)) is not None:
        raise SandboxMissing(f"kernels cannot be forked here: {why}; leave --forked out, or see `python -m autograder doctor`")
    if start is Start.FRESH or _unforkable(environment, data) is not None:
        return Sandbox(work_files, judge_dir, limits, data=data, environment=environment, pictures=pictures)
    return ForkedSandbox(work_files, judge_dir, limits, data=data, pictures=pictures, strict=start is Start.FORKED)


def _unforkable(environment: Mapping[str, str] | None, data: Sequence[Path]) -> str | None:
    """Return why a kernel is not forked; None: it is."""
    if down():
        # What a test takes down is missing in bubblewrap's hands, not in those of the fork server.
        return f"walls are down: {', '.join(sorted(down()))}"
    if environment:
        # Modules that are imported already have read the variables that they look at.
        return f"variables are set: {', '.join(sorted(environment))}"
    if too_many_faults():
        return "it failed too often in this process"
    faults = fork_faults(data=tuple(data))
    if not faults:
        return None
    told = "; ".join(faults)
    if told not in _told:
        _told.add(told)
        log.warning("kernels are started fresh, which is slower: %s", told)
    return told


_told: set[str] = set()
