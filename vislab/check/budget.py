"""How long demonstration loops run: in full for people, shortened while a notebook is being graded."""

from __future__ import annotations

import os

JUDGE_VARIABLE = "VISLAB_JUDGE"
CI_VARIABLE = "VISLAB_CI"
BUDGET_VARIABLE = "VISLAB_BUDGET"
BUDGETS = ("full", "small")


def graded() -> bool:
    """Return whether this notebook runs under the judge."""
    return bool(os.environ.get(JUDGE_VARIABLE))


def silent() -> bool:
    """Return whether bars and live figures are off: under ``VISLAB_CI=1``, and while a notebook is graded."""
    return os.environ.get(CI_VARIABLE, "") not in ("", "0") or graded()


def small() -> bool:
    """Return whether ``VISLAB_BUDGET=small`` asks for short trainings; ``full``, or no setting, is for people.

    Raises:
        ValueError: the variable holds something else.
    """
    budget = os.environ.get(BUDGET_VARIABLE) or BUDGETS[0]
    if budget not in BUDGETS:
        raise ValueError(f"{BUDGET_VARIABLE} {budget!r} must be one of {', '.join(BUDGETS)}; unset it for full trainings")
    return budget == "small"


def steps(full: int, graded_steps: int = 2, *, small_steps: int | None = None) -> int:
    """Return how many steps a demonstration loop takes.

    Marks never depend on a demonstration loop, so that grading need not wait for one.

    Args:
        full: steps for a person, at least 1.
        graded_steps: steps while graded, at least 1.
        small_steps: steps under ``VISLAB_BUDGET=small``, at least 1; None: as many as in full, for loops of a few seconds.

    Raises:
        ValueError: a number below 1, or an unknown budget.
    """
    for name, value in (("full", full), ("graded_steps", graded_steps), ("small_steps", small_steps)):
        if value is not None and value < 1:
            raise ValueError(f"{name} {value} must be at least 1")
    if graded():
        return min(full, graded_steps)
    return min(full, small_steps) if small() and small_steps is not None else full
