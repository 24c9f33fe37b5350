"""Hold what came of a class against what its recipes expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.demo.recipe import Recipe

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Outcome:
    """What came of one submission.

    Args:
        recipe: what was handed in and expected.
        graded: every notebook that was handed in has a verdict of the student's own.
        points: total of the check cells, by the ledgers.
        gradebook: total by nbgrader's gradebook before any late penalty, check cells only; None where it has no entry.
        penalty: late penalty by the gradebook, points.
        verdicts: by exercise.
        statuses: by notebook.
        faults: where this differs from what was expected.
    """

    recipe: Recipe
    graded: bool
    points: float
    gradebook: float | None
    penalty: float
    verdicts: Mapping[str, str]
    statuses: Mapping[str, str]
    faults: tuple[str, ...] = ()

    @property
    def lost(self) -> bool:
        """Whether an honest submission has fewer points than it must have."""
        floor = self.recipe.expect.points if self.recipe.expect.points is not None else self.recipe.expect.at_least
        return self.recipe.kind == "honest" and floor is not None and self.points < floor - TOLERANCE

    @property
    def gained(self) -> bool:
        """Whether an attack has more points than it may have."""
        ceiling = self.recipe.expect.points if self.recipe.expect.points is not None else self.recipe.expect.at_most
        return self.recipe.kind == "attack" and ceiling is not None and self.points > ceiling + TOLERANCE


@dataclass
class ClassReport:
    """What came of a demo class."""

    assignment: str
    outcomes: list[Outcome] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    run: int = 0
    stored: int = 0

    @property
    def ok(self) -> bool:
        return bool(self.outcomes) and not any(outcome.faults for outcome in self.outcomes)

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": self.assignment,
            "submissions": len(self.outcomes),
            "graded": sum(outcome.graded for outcome in self.outcomes),
            "controls_lost": sum(outcome.lost for outcome in self.outcomes),
            "attacks_gained": sum(outcome.gained for outcome in self.outcomes),
            "as_expected": sum(not outcome.faults for outcome in self.outcomes),
            "ok": self.ok,
            "seconds": round(self.seconds, 1),
            "notebooks_run": self.run,
            "notebooks_from_store": self.stored,
            "places": self.places,
            "students": [
                {
                    "student": outcome.recipe.student,
                    "title": outcome.recipe.title,
                    "kind": outcome.recipe.kind,
                    "points": outcome.points,
                    "gradebook": outcome.gradebook,
                    "penalty": outcome.penalty,
                    "verdicts": dict(outcome.verdicts),
                    "notebooks": dict(outcome.statuses),
                    "faults": list(outcome.faults),
                }
                for outcome in self.outcomes
            ],
        }


def judge_outcome(
    recipe: Recipe, ledgers: Mapping[str, Mapping[str, Any]], notebooks: Sequence[str], gradebook: float | None, penalty: float
) -> Outcome:
    """Compare one submission with its recipe.

    Args:
        ledgers: by notebook, of what intake let through.
        notebooks: of the assignment.
        gradebook: points of the check cells by nbgrader's gradebook.
        penalty: late penalty by the gradebook.
    """
    points = round(sum(ledger["points"] + ledger["bonus_points"] for ledger in ledgers.values()), 6)
    verdicts = {entry["name"]: entry["verdict"] for ledger in ledgers.values() for entry in ledger["exercises"]}
    statuses = {name: ledgers[name]["status"] if name in ledgers else "MISSING" for name in notebooks}
    graded = "GRADER_ERROR" not in statuses.values()
    faults = [*_points_faults(recipe, points), *_word_faults(recipe, verdicts, statuses)]
    if gradebook is None:
        faults.append("the gradebook has no entry")
    elif abs(gradebook - points) > TOLERANCE:
        faults.append(f"the gradebook says {gradebook:g} points, the ledgers {points:g}")
    if (recipe.late_h > 0) != (penalty > 0):
        faults.append(f"handed in {recipe.late_h:g} h after the due date, late penalty {penalty:g}")
    return Outcome(recipe, graded, points, gradebook, penalty, verdicts, statuses, tuple(faults))


def _points_faults(recipe: Recipe, points: float) -> list[str]:
    expect = recipe.expect
    if expect.points is not None and abs(points - expect.points) > TOLERANCE:
        return [f"{points:g} points, expected {expect.points:g}"]
    if expect.at_least is not None and points < expect.at_least - TOLERANCE:
        return [f"{points:g} points, expected at least {expect.at_least:g}"]
    if expect.at_most is not None and points > expect.at_most + TOLERANCE:
        return [f"{points:g} points, expected at most {expect.at_most:g}"]
    return []


def _word_faults(recipe: Recipe, verdicts: Mapping[str, str], statuses: Mapping[str, str]) -> list[str]:
    faults = [
        f"{exercise} is {verdicts.get(exercise, 'absent')}, expected {word}"
        for exercise, word in recipe.expect.verdicts.items()
        if verdicts.get(exercise) != word
    ]
    for notebook, status in statuses.items():
        wanted = recipe.expect.notebooks.get(notebook, "GRADED" if recipe.has(notebook) else "MISSING")
        if status != wanted:
            faults.append(f"{notebook} is {status}, expected {wanted}")
    return faults
