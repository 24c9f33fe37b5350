"""What notebook 5 trains, by seed: ``python -m assignments.a2_shapes.invariance_by_seed --seeds 10``.

Runs the cells of the lesson that define what it trains and measures, then trains every way to be invariant, and the outlines from pictures,
anew for every seed, and prints means and standard deviations: a table in Markdown and a line, about 30 CPU seconds a seed.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assignments.lesson_code import by_seed_parser, code_cells, markdown_table, parse_counts, require, run_quietly

LESSON = Path(__file__).resolve().parent / "lessons" / "5_invariance.py"
# a cell that defines one of these is run; each is needed.
NEEDED = (
    "coverage",
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
    for _, code in code_cells(text):
        if any(re.search(rf"^(def|class) {name}\b", code, re.MULTILINE) for name in NEEDED):
            exec(compile(code, str(LESSON), "exec"), names)
    require(names, NEEDED, LESSON, "the tables need them")
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
    rows = [
        [way, *(spread([found[way, file][which] for found in seeds], 3 - which) for which in (0, 1) for file in files)]
        for way in dict.fromkeys(way for way, _ in seeds[0])
    ]
    return markdown_table(["", *heads], rows)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    seeds = parse_counts(by_seed_parser("assignments.a2_shapes.invariance_by_seed", __doc__), arguments).seeds
    lesson = run_quietly(LESSON, lesson_names)
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
