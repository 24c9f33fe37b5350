"""Errors in pixels of notebook 6's heads, by seed: ``python -m assignments.a1_pose.heads_by_seed --seeds 10``.

Runs the cells of the lesson up to the training it defines, then trains every head anew for every seed, and prints a table in Markdown:
about 45 CPU seconds a seed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
from pathlib import Path
from typing import Any

# one thread, no bars, no windows, trainings in full.
SETTINGS = {"OMP_NUM_THREADS": "1", "VISLAB_CI": "1", "VISLAB_BUDGET": "full", "MPLBACKEND": "Agg"}
LESSON = Path(__file__).resolve().parent / "lessons" / "6_comparison.py"
CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)


def lesson_names(text: str) -> dict[str, Any]:
    """Run a lesson's code up to its function ``trained``, besides the cell that defines ``flip_average``; checks are left out.

    Args:
        text: py:percent text with the solutions in it.

    Returns:
        What the cells define.

    Raises:
        LookupError: one of the two functions is not there.
    """
    names: dict[str, Any] = {}
    parts = CELL.split(text)[1:]
    for options, code in zip(parts[::2], parts[1::2]):
        if "[markdown]" not in options and "check=" not in options and ("trained" not in names or "pose.flip_average" in options):
            exec(compile(code, str(LESSON), "exec"), names)
    if missing := {"trained", "flip_average"} - set(names):
        raise LookupError(f"{LESSON.name} defines no {' and no '.join(sorted(missing))}; this table needs both")
    return names


def errors_of_seed(lesson: dict[str, Any], seed: int) -> dict[str, float]:
    """Train every head with a seed; returns mean errors on visible joints of test people in pixels, by column of the table."""
    pictures, twin = lesson["pictures"], lesson["torch"].tensor([int(other) for other in lesson["people"].attributes["mirror"]])
    found, again = {}, {}
    for head, stride in lesson["ASKED"]:
        net = lesson["trained"](head, stride, seed)
        answer = lesson["asked"](net, pictures)
        found[f"{head} /{stride}"] = lesson["measured"](lesson["in_pixels"](answer, head, stride, lesson["MIDDLE"]))[0]
        if stride == 4 and head != "regression":
            second = lesson["asked"](net, pictures.flip(-1))
            readings = (
                ("two looks", lesson["flip_average"](answer, second, twin), head),
                ("read the other way", answer, "integral" if head == "heatmap" else "heatmap"),
            )
            again |= {f"{head} /4, {name}": lesson["measured"](lesson["in_pixels"](maps, way))[0] for name, maps, way in readings}
    return found | again


def table(rows: list[dict[str, float]]) -> str:
    """Return rows of errors as a table in Markdown, with mean and standard deviation where there are several."""
    lines = ["| seed | " + " | ".join(rows[0]) + " |", "|---" * (1 + len(rows[0])) + "|"]
    lines += [f"| {seed} | " + " | ".join(f"{value:.2f}" for value in row.values()) + " |" for seed, row in enumerate(rows)]
    if len(rows) > 1:
        columns = [[row[name] for row in rows] for name in rows[0]]
        lines.append(
            "| mean ± sd | " + " | ".join(f"{statistics.mean(each):.2f} ± {statistics.stdev(each):.2f}" for each in columns) + " |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m assignments.a1_pose.heads_by_seed", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="train this often, with seeds 0, 1, 2 ... (default 1)")
    seeds = parser.parse_args(arguments).seeds
    if seeds < 1:
        parser.error(f"--seeds {seeds} must be at least 1")
    # before the lesson's first cell loads PyTorch and matplotlib.
    os.environ |= SETTINGS
    # what the lesson's own cells say is no part of the table.
    with contextlib.redirect_stdout(None):
        lesson = lesson_names(LESSON.read_text(encoding="utf-8"))
    print(table([errors_of_seed(lesson, seed) for seed in range(seeds)]))


if __name__ == "__main__":
    main()
