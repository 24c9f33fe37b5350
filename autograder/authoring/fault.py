"""Faults in lesson texts, and the error that carries them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Progress = Callable[[str], None]


def silent(message: str) -> None:
    """Take a progress message and show nothing."""


@dataclass(frozen=True)
class Fault:
    """One thing that an author has to change.

    Args:
        place: file name, relative to the assignment.
        line: 1-based line in that file; 0 where a fault belongs to no line.
        text: the offending line or name.
        rule: what is broken.
        remedy: what to do about it.
    """

    place: str
    line: int
    text: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.place}:{self.line}" if self.line else self.place
        return f"{where}: {self.text!r}: {self.rule}; {self.remedy}" if self.text else f"{where}: {self.rule}; {self.remedy}"


class AuthoringError(ValueError):
    """An assignment that cannot be built: says what to change, fault by fault."""

    def __init__(self, faults: Sequence[Fault] | str) -> None:
        self.faults = () if isinstance(faults, str) else tuple(faults)
        super().__init__(faults if isinstance(faults, str) else "\n".join(str(fault) for fault in faults))


def refuse(faults: Sequence[Fault]) -> None:
    """Raise one error that lists all faults; do nothing where there is none."""
    if faults:
        raise AuthoringError(faults)
