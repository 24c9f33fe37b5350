"""What ``python -m benchmarks grading`` prints for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

FIGURES = {
    "speedup_vs_nbgrader": "times as fast as nbgrader, 2 workers",
    "speedup_vs_nbgrader_1_worker": "times as fast as nbgrader, 1 worker",
    "speedup_vs_nbgrader_one_exercise": "times as fast as nbgrader, 2 workers, notebooks of one exercise",
    "two_workers": "times as fast with 2 workers as with 1",
    "overhead_s": "seconds a submission beside its kernels' time",
    "student_share": "of the time is that of kernels",
    "walls_cost": "more time with walls than without",
    "growth_50_to_1000": "times the time a submission, largest class against smallest",
}


def grading_table(result: Mapping[str, Any]) -> str:
    """Lay out what was measured; parts that were not are left out."""
    return "\n".join(_lines(result))


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"{result['device']}, {result['processors']} processors, torch {result['versions']['torch']}, {result['notebook']}"
    starts = result.get("starts")
    if starts is not None:
        yield f"a fork server is warm after {starts['warm_s']} s"
        for row in (*starts["start_up"], *starts["notebooks"]):
            name = row.get("notebook", row.get("what"))
            yield f"  {name:<24}fresh {row['fresh_s']:>7} s  forked {row['forked_s']:>7} s  {row['speedup']} times"
    profile = result.get("profile", {})
    yield from (f"  {name.replace('_', ' '):<24}{used_s:>7} s of processors" for name, used_s in profile.items())
    for row in result.get("ways", ()):
        yield f"  {row['way']:<24}{row['s_each']:>7} s a submission, {row['cpu_s_each']:>7} s of processors, {row['memory_mib']:>5} MiB"
    for row in result.get("growth", ()):
        writer = f"{row['memory_mib']:>5} MiB, {row['writer_s']} s of the writer"
        yield f"  {row['submissions']:>5} submissions      {row['s_each']:>7} s a submission, {writer}"
    yield from (f"{result[name]:>8} {words}" for name, words in FIGURES.items() if name in result)
    if result.get("same_marks") or starts is not None:
        yield "the marks are the same"
