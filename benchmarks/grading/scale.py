"""A class on paper: how long many submissions take on many machines, from figures that were measured on one."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.grading.contenders import ENGINE


@dataclass(frozen=True)
class Pace:
    """What one submission costs, in seconds.

    Args:
        service_s: a place's time for a submission that ends.
        start_s: until a place takes its first submission.
        write_s: the time of the one writer for a result: ledger, receipt, gradebook, progress.
        memory_kib: what the writer's process keeps of each submission while it runs.
        stuck_share: share of submissions that run into a limit.
        stuck_s: a place's time for one of those.
    """

    service_s: float
    start_s: float
    write_s: float
    memory_kib: float = 0.0
    stuck_share: float = 0.0
    stuck_s: float = 0.0


def measured_pace(result: Mapping[str, Any], stuck_share: float = 0.0, stuck_s: float = 0.0) -> Pace:
    """Take the pace from a result of ``python -m benchmarks grading --json``.

    A place's time is that of the engine with two workers on two processors, so that what neighbours cost each other is in it. What the
    writer takes and keeps is the slope between the smallest class and the largest: its start is in both. Waiting for a disk is not in it.

    Raises:
        LookupError: parts were not measured; names them.
    """
    missing = [name for name in ("ways", "growth", "starts") if name not in result]
    if missing:
        raise LookupError(f"the result has no {', no '.join(missing)}; measure with python -m benchmarks grading --json --save")
    # two places side by side take a submission each in this time; a place's start is in it, a fortieth for each.
    side_by_side_s = 2 * next(row["s_each"] for row in result["ways"] if row["way"] == ENGINE.name)
    smallest, largest = result["growth"][0], result["growth"][-1]
    more = largest["submissions"] - smallest["submissions"]
    write_s, memory_mib = (max(0.0, largest[name] - smallest[name]) / more for name in ("writer_s", "memory_mib"))
    return Pace(side_by_side_s, result["starts"]["warm_s"], write_s, memory_mib * 1024, stuck_share, stuck_s)


def finish_s(submissions: int, places: int, pace: Pace) -> float:
    """Play a run through: places take submissions as they come free, results wait for the one writer.

    Args:
        submissions: how many, at least 1; those that get stuck are spread evenly.
        places: notebooks at once on all machines, at least 1.

    Returns:
        Seconds from the command to the last result written.
    """
    if submissions < 1 or places < 1:
        raise ValueError(f"submissions {submissions} and places {places} must be at least 1")
    free = [pace.start_s] * min(places, submissions)
    ended = []
    for number in range(submissions):
        stuck = int((number + 1) * pace.stuck_share) > int(number * pace.stuck_share)
        end = free[0] + (pace.stuck_s if stuck else pace.service_s)
        heapq.heapreplace(free, end)
        ended.append(end)
    written = 0.0
    for end in sorted(ended):
        written = max(written, end) + pace.write_s
    return written


def scale_table(pace: Pace, processors: int, submissions: list[int], machines: list[int]) -> dict[str, Any]:
    """Return a row for each number of submissions: hours on each number of machines, and what bounds them.

    Args:
        processors: of each machine; a place each.
    """
    rows = []
    for count in submissions:
        hours = {str(number): round(finish_s(count, number * processors, pace) / 3600, 2) for number in machines}
        rows.append(
            {
                "submissions": count,
                "hours_on_machines": hours,
                "writer_alone_hours": round(count * pace.write_s / 3600, 2),
                "writer_memory_gib": round(count * pace.memory_kib / 2**20, 2),
            }
        )
    return {"pace": vars(pace), "processors": processors, "rows": rows}


def scale_text(table: Mapping[str, Any]) -> str:
    """Lay the table out for people, in Markdown."""
    machines = list(table["rows"][0]["hours_on_machines"])
    head = ["submissions", *(f"{number} machine{'s' * (number != '1')}" for number in machines), "writer alone", "writer's memory"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in table["rows"]:
        cells = [f"{row['submissions']:,}", *(f"{hours} h" for hours in row["hours_on_machines"].values())]
        cells += [f"{row['writer_alone_hours']} h", f"{row['writer_memory_gib']} GiB"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
