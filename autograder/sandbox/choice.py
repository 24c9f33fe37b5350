"""Walls by default; without them only when somebody typed out that they are not wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from autograder.sandbox.limits import Limits
from autograder.sandbox.parcel import WorkFiles
from autograder.sandbox.plain import PlainSandbox
from autograder.sandbox.sandbox import Sandbox


def open_sandbox(
    work_files: WorkFiles,
    judge_dir: Path | None = None,
    limits: Limits | None = None,
    *,
    data: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    unsafe_no_sandbox: bool = False,
) -> Sandbox | PlainSandbox:
    """Return a place for one run, to be used as a context manager.

    Args:
        work_files, judge_dir, limits, data, environment: see ``RunHome``.
        unsafe_no_sandbox: True: no walls at all, see ``PlainSandbox``.

    Raises:
        SandboxMissing: this machine cannot build the walls; names what to install.
        WorkFilesError: the files cannot be placed.
    """
    kind = PlainSandbox if unsafe_no_sandbox else Sandbox
    return kind(work_files, judge_dir, limits, data=data, environment=environment)
