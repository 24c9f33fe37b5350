"""What notebook 5 trains, by seed: ``python -m assignments.a2_shapes.invariance_by_seed --seeds 10``.

Runs the cells of the lesson that define what it trains and measures, then trains every way to be invariant, and the outlines from pictures,
anew for every seed, and prints means and standard deviations: a table in Markdown and a line, about 30 CPU seconds a seed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# one thread, no bars, no windows, trainings in full.
SETTINGS = {"OMP_NUM_THREADS": "1", "VISLAB_CI": "1", "VISLAB_BUDGET": "full", "MPLBACKEND": "Agg"}
LESSON = Path(__file__).resolve().parent / "lessons" / "5_invariance.py"
CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)
# a cell that defines one of these is run; each is needed.
NEEDED = (
    "start_invariant",
    "InvariantEncoder",
    "restart",
    "autoencoder",
    "train_way",
    "held_error",
    "outlines_from_pictures",
    "icon_overlap",
)
STEPS, PICTURE_STEPS = 500, 400


def lesson_names(text: str) -> dict[str, Any]:
    """Run those cells of a lesson that define what is measured, besides the setup cell; trainings of the lesson's own are shortened.

    Args:
        text: py:percent text with the solutions in it.

    Returns:
        What the cells define.

    Raises:
        LookupError: a function is not there.
    """
    names: dict[str, Any] = {}
    parts = CELL.split(text)[1:]
    for options, code in zip(parts[::2], parts[1::2]):
        if "[markdown]" in options or "check=" in options:
            continue
        if any(re.search(rf"^(def|class) {name}\b", code, re.MULTILINE) for name in NEEDED):
            exec(compile(code, str(LESSON), "exec"), names)
    if missing := [name for name in NEEDED if name not in names]:
        raise LookupError(f"{LESSON.name} defines no {' and no '.join(missing)}; the tables need them")
    return names


def ways_of_seed(lesson: dict[str, Any], seed: int, count: int = STEPS) -> dict[tuple[str, str], tuple[float, float]]:
    """Train every way on both files; returns error and share of the start in the codes, by way and file."""
    train = lesson["train"]
    files = {"with a rule": train, "without": lesson["restart"](train, lesson["torch"].Generator().manual_seed(5))}
    found = {}
    for way in lesson["WAYS"]:
        for file, outlines in files.items():
            net = lesson["train_way"](way, outlines, count, seed)
            found[way, file] = (lesson["held_error"](net), lesson["start_share"](net[0]))
    return found


def overlap_of_seed(lesson: dict[str, Any], seed: int, count: int = PICTURE_STEPS) -> float:
    """Learn real icons' outlines from their masks alone; returns the mean IoU with the held-out ones."""
    return lesson["icon_overlap"](lesson["outlines_of_icons"](count, seed))


def spread(values: Sequence[float], digits: int) -> str:
    """Return mean ± standard deviation, or the one value."""
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def table(seeds: Sequence[dict[tuple[str, str], tuple[float, float]]], files: Sequence[str]) -> str:
    """Return the ways' errors and shares as a table in Markdown."""
    heads = [f"{what}, {file}" for what in ("error", "share of the start") for file in files]
    lines = [f"| | {' | '.join(heads)} |"]
    lines.append("|---" * (1 + 2 * len(files)) + "|")
    for way in dict.fromkeys(way for way, _ in seeds[0]):
        cells = [spread([found[way, file][which] for found in seeds], 3 - which) for which in (0, 1) for file in files]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m assignments.a2_shapes.invariance_by_seed", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="train this often, with seeds 0, 1, 2 ... (default 1)")
    seeds = parser.parse_args(arguments).seeds
    if seeds < 1:
        parser.error(f"--seeds {seeds} must be at least 1")
    # before the lesson's first cell loads PyTorch and matplotlib.
    os.environ |= SETTINGS
    # what the lesson's own cells say is no part of the tables.
    with contextlib.redirect_stdout(None):
        lesson = lesson_names(LESSON.read_text(encoding="utf-8"))
    mean = lesson["train"].mean(dim=0)
    print(f"mean outline: error {lesson['held_error'](lambda shapes: mean.expand_as(shapes)):.3f}\n")
    print(table([ways_of_seed(lesson, seed) for seed in range(seeds)], ("with a rule", "without")))
    overlaps = [overlap_of_seed(lesson, seed) for seed in range(seeds)]
    print(f"\nIoU on held-out icons, by seed: {', '.join(f'{value:.3f}' for value in overlaps)}; {spread(overlaps, 3)}")
    majority = (lesson["coverage"](lesson["train"], 40) > 0.5).float().mean(dim=0).expand(len(lesson["held"]), 1, 40, 40)
    dummies = [lesson["icon_overlap"](one) for one in (mean.expand_as(lesson["held"]), majority)]
    print(f"mean outline: {dummies[0]:.3f}; majority of the masks: {dummies[1]:.3f}")


if __name__ == "__main__":
    main()
