"""Ledgers and answers made by hand."""

from __future__ import annotations

from typing import Any

STUB = "def area(points):\n    raise NotImplementedError\n"
LOOP = """def area(points):
    total = 0.0
    for index in range(len(points)):
        here, there = points[index], points[(index + 1) % len(points)]
        total += here[0] * there[1] - there[0] * here[1]
    return total / 2
"""
RENAMED = LOOP.replace("total", "acc").replace("index", "k").replace("here", "p").replace("thp", "q")
ROLLED = """def area(points):
    x, y = points.unbind(-1)
    return 0.5 * (x * y.roll(-1) - y * x.roll(-1)).sum()
"""


def entry_of(name: str, points: float, failed: dict[str, str], verdict: str | None = None, bonus: bool = False) -> dict[str, Any]:
    """Return a ledger's entry of an exercise with four cases of one family each, two of them hidden."""
    cases = [
        {"name": case, "family": family, "verdict": "WRONG_VALUE" if case in failed else "OK", "text": failed.get(case, "")}
        for case, family in (("shown", "value"), ("drawn", "value"), ("slope", "gradient"), ("empty", "edge"))
    ]
    return {"name": name, "verdict": verdict or ("WRONG_VALUE" if failed else "OK"), "points": points, "bonus": bonus, "cases": cases}


def ledger_of(*entries: dict[str, Any], status: str = "GRADED", **more: Any) -> dict[str, Any]:
    core = sum(entry["points"] for entry in entries if not entry["bonus"])
    bonus = sum(entry["points"] for entry in entries if entry["bonus"])
    run = {"wall_s": [1.5], "apart_s": [0.3, 0.2], "runs": 1}
    return {"exercises": list(entries), "points": core, "bonus_points": bonus, "status": status, "intake": [], "run": run, **more}
