"""Ready solutions for tripwires to guard."""

from __future__ import annotations

from collections.abc import Callable

THREE = 3


def double(x, *, factor: int = 2):
    """Return twice ``x``."""
    return x * factor


def quadruple(x):
    """Uses another ready solution."""
    return double(double(x))


def _closure(factor: int) -> Callable:
    def triple(x):
        return x * factor

    return triple


triple = _closure(THREE)


class Solver:
    """A ready solution that is a class."""

    def __init__(self, x) -> None:
        self.x = x
