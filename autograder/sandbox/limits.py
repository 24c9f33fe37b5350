"""How much of the machine one submission may use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

MEBIBYTE = 1 << 20

# name -> (smallest, largest) legal value; the smallest still lets the kernel itself, torch and matplotlib start.
RANGES: dict[str, tuple[float, float]] = {
    "case_s": (0.1, 86_400),
    "cell_s": (0.1, 86_400),
    "submission_s": (1, 86_400),
    "memory_mib": (512, 1 << 20),
    "processes": (24, 4096),
    "files_mib": (1, 1 << 16),
    "output_mib": (1, 1024),
    "training_s": (0, 86_400),
}
SECONDS = frozenset({"case_s", "cell_s", "submission_s", "training_s"})
# not in assignment.toml: they follow from the exercises of a notebook.
DERIVED = frozenset({"training_s"})


class LimitsError(ValueError):
    """A limit that cannot be kept."""


@dataclass(frozen=True)
class Limits:
    """Limits of one graded run, as ``[limits]`` in ``assignment.toml`` states them.

    Args:
        case_s: wall time of one case, seconds.
        cell_s: wall time of one cell, seconds; at least ``case_s``.
        submission_s: wall time of the whole notebook, and the CPU time of all its processes together, seconds; at least ``cell_s``.
        memory_mib: resident memory of all processes and the files kept in memory, MiB.
        processes: processes and threads at the same time; the kernel itself needs about fifteen threads.
        files_mib: files in the home folder, the working directory and ``/tmp`` together, MiB; also the largest single file.
        output_mib: what the cells print and display in total, MiB.
        training_s: CPU time that the checks of training exercises may use beside ``submission_s``, seconds. It is granted while such a
            check runs (``RunHome.grant_cpu``), so that no other cell can spend it.

    Raises:
        LimitsError: a value of the wrong type or outside ``RANGES``, or times in the wrong order.
    """

    case_s: float = 10
    cell_s: float = 60
    submission_s: float = 300
    memory_mib: int = 2048
    processes: int = 64
    files_mib: int = 256
    output_mib: int = 32
    training_s: float = 0

    def __post_init__(self) -> None:
        for name, (smallest, largest) in RANGES.items():
            value = getattr(self, name)
            kinds = (int, float) if name in SECONDS else (int,)
            # bool is an int: "memory_mib = true" is a slip of the pen, not one MiB.
            if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
                wanted = "a number of seconds" if name in SECONDS else "a whole number"
                raise LimitsError(f"{name} {value!r} must be {wanted}; write for example {name} = {getattr(Limits, name)}")
            if not smallest <= value <= largest:
                raise LimitsError(f"{name} {value!r} must lie in {smallest:g} to {largest:g}; the default is {getattr(Limits, name)}")
        for inner, outer in (("case_s", "cell_s"), ("cell_s", "submission_s")):
            if getattr(self, inner) > getattr(self, outer):
                raise LimitsError(
                    f"{inner} {getattr(self, inner)!r} must not exceed {outer} {getattr(self, outer)!r}; lower {inner} or raise {outer}"
                )

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Limits:
        """Read the ``[limits]`` table of ``assignment.toml``; names left out keep their defaults.

        Raises:
            LimitsError: an unknown name, or a value ``Limits`` refuses.
        """
        known = [field.name for field in fields(cls) if field.name not in DERIVED]
        for name in table:
            if name not in known:
                raise LimitsError(f"limits.{name} is not a limit; use one of {', '.join(known)}")
        return cls(**table)

    @property
    def memory_bytes(self) -> int:
        return self.memory_mib * MEBIBYTE

    @property
    def files_bytes(self) -> int:
        return self.files_mib * MEBIBYTE

    @property
    def output_bytes(self) -> int:
        return self.output_mib * MEBIBYTE
