"""Errors in pixels of notebook 6's heads, by seed: ``python -m assignments.a1_pose.heads_by_seed --seeds 10``.

Runs the cells of the lesson up to the training it defines, then trains every head anew for every seed, and prints a table in Markdown:
about 45 CPU seconds a seed.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from assignments.lesson_code import by_seed_parser, code_cells, markdown_table, parse_counts, require, run_quietly

LESSON = Path(__file__).resolve().parent / "lessons" / "6_comparison.py"


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
    for options, code in code_cells(text):
        if "trained" not in names or "pose.flip_average" in options:
            exec(compile(code, str(LESSON), "exec"), names)
    require(names, ("flip_average", "trained"), LESSON, "this table needs both")
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
    lines = [[str(seed), *(f"{value:.2f}" for value in row.values())] for seed, row in enumerate(rows)]
    if len(rows) > 1:
        columns = [[row[name] for row in rows] for name in rows[0]]
        lines.append(["mean ± sd", *(f"{statistics.mean(each):.2f} ± {statistics.stdev(each):.2f}" for each in columns)])
    return markdown_table(["seed", *rows[0]], lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    seeds = parse_counts(by_seed_parser("assignments.a1_pose.heads_by_seed", __doc__), arguments).seeds
    lesson = run_quietly(LESSON, lesson_names)
    print(table([errors_of_seed(lesson, seed) for seed in range(seeds)]))


if __name__ == "__main__":
    main()
