"""A lesson's own code, for commands that measure by seed what it teaches: its cells, run here with their solutions in them."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

# one thread, no bars, no windows, trainings in full.
SETTINGS = {"OMP_NUM_THREADS": "1", "VISLAB_CI": "1", "VISLAB_BUDGET": "full", "MPLBACKEND": "Agg"}
TRAINED = "train this often, with seeds 0, 1, 2 ..."
_CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)

Names = dict[str, Any]


def code_cells(text: str) -> Iterator[tuple[str, str]]:
    """Yield options and code of every cell of a py:percent text that is neither prose nor a check."""
    parts = _CELL.split(text)[1:]
    return ((options, code) for options, code in zip(parts[::2], parts[1::2]) if "[markdown]" not in options and "check=" not in options)


def require(names: Names, needed: Collection[str], lesson: Path, purpose: str) -> None:
    """Refuse a lesson that does not define what is needed.

    Raises:
        LookupError: names the lesson, what is missing and the purpose, as in "this table needs both".
    """
    if missing := [name for name in needed if name not in names]:
        raise LookupError(f"{lesson.name} defines no {' and no '.join(missing)}; {purpose}")


def run_quietly(lesson: Path, lesson_names: Callable[[str], Names]) -> Names:
    """Return what ``lesson_names`` takes from a lesson's text, run with ``SETTINGS`` and without what its cells print.

    To be called before anything has imported PyTorch or matplotlib: they read the settings then.
    """
    os.environ |= SETTINGS
    with contextlib.redirect_stdout(None):
        return lesson_names(lesson.read_text(encoding="utf-8"))


def by_seed_parser(module: str, description: str | None, seeds: str = TRAINED) -> argparse.ArgumentParser:
    """Return the parser of a command that measures by seed, with its option ``--seeds``."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--seeds", type=int, default=1, help=f"{seeds} (default 1)")
    return parser


def parse_counts(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse options that all are counts; ends the program where one is less than 1."""
    asked = parser.parse_args(arguments)
    for name, value in vars(asked).items():
        if value < 1:
            parser.error(f"--{name} {value} must be at least 1")
    return asked


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    first, *others = ("|" + "".join(f" {cell} |" if cell else " |" for cell in row) for row in (head, *rows))
    return "\n".join([first, "|---" * len(head) + "|", *others])
