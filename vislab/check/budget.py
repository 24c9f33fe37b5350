"""How long demonstration loops run: in full for people, shortened while a notebook is being graded."""

from __future__ import annotations

import os

JUDGE_VARIABLE = "VISLAB_JUDGE"
CI_VARIABLE = "VISLAB_CI"


def graded() -> bool:
    """Return whether this notebook runs under the judge."""
    return bool(os.environ.get(JUDGE_VARIABLE))


def silent() -> bool:
    """Return whether bars and live figures are off: under ``VISLAB_CI=1``, and while a notebook is graded."""
    return os.environ.get(CI_VARIABLE, "") not in ("", "0") or graded()


def steps(full: int, graded_steps: int = 2) -> int:
    """Return how many steps a demonstration loop takes.

    Marks never depend on a demonstration loop, so that grading need not wait for one.

    Args:
        full: steps for a person, at least 1.
        graded_steps: steps while graded, at least 1.
    """
    for name, value in (("full", full), ("graded_steps", graded_steps)):
        if value < 1:
            raise ValueError(f"{name} {value} must be at least 1")
    return min(full, graded_steps) if graded() else full
