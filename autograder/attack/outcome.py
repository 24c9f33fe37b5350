"""Hold what came of a fixture against what must come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.attack.fixture import Fixture
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import OBSERVED_FAMILIES

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Outcome:
    """What came of one fixture.

    Args:
        fixture: what was handed in.
        status: of its notebook: the ledger's, "MISSING" where intake found none, "REFUSED" where intake could not take it.
        verdicts: by exercise.
        proven, observed: points.
        gained: points on proven families above the ceiling, as sentences.
        leaked: canaries that were found.
        left: processes and files that were there afterwards.
        lost: points that an honest submission lacks.
        faults: verdicts, statuses or notes that are not as expected.
        evaded: an observed rule was broken and nothing of it was seen.
    """

    fixture: Fixture
    status: str
    verdicts: Mapping[str, str] = field(default_factory=dict)
    proven: float = 0.0
    observed: float = 0.0
    gained: tuple[str, ...] = ()
    leaked: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    evaded: bool = False

    @property
    def ok(self) -> bool:
        return not (self.gained or self.leaked or self.left or self.lost or self.faults)

    @property
    def complaints(self) -> list[str]:
        """Everything that is not as it must be, as sentences."""
        parts = (
            ("gained", self.gained),
            ("leaked", self.leaked),
            ("left behind", self.left),
            ("lost", self.lost),
            ("unexpected", self.faults),
        )
        return [f"{word}: {text}" for word, texts in parts for text in texts]

    def as_json(self) -> dict[str, Any]:
        return {
            "fixture": self.fixture.name,
            "class": self.fixture.kind,
            "title": self.fixture.title,
            "status": self.status,
            "verdicts": dict(self.verdicts),
            "proven": self.proven,
            "observed": self.observed,
            "evaded": self.evaded,
            "nbgrader": self.fixture.nbgrader,
            "ok": self.ok,
            "complaints": self.complaints,
        }


def hold(
    fixture: Fixture,
    exercises: Mapping[str, Exercise],
    ledger: Mapping[str, Any] | None,
    *,
    refused: bool = False,
    notes: Sequence[str] = (),
    leaked: Sequence[str] = (),
    left: Sequence[str] = (),
) -> Outcome:
    """Compare a graded fixture with its expectation.

    Args:
        exercises: of the fixture's notebook, by name.
        ledger: of the notebook; None where intake let none through.
        refused: intake could not take the submission.
        notes: codes that intake told.
        leaked, left: what was found elsewhere.
    """
    entries = {entry["name"]: entry for entry in ledger["exercises"]} if ledger is not None else {}
    status = str(ledger["status"]) if ledger is not None else "REFUSED" if refused else "MISSING"
    verdicts = {name: entry["verdict"] for name, entry in entries.items()}
    attack = fixture.kind != "control"
    faults = [
        f"{name} is {verdicts.get(name, 'absent')}, expected {word}"
        for name, word in fixture.verdicts.items()
        if verdicts.get(name) != word
    ]
    if status != fixture.status:
        faults.append(f"the notebook is {status}, expected {fixture.status}")
    faults += [f"intake did not tell {code!r}; it told {sorted(set(notes))}" for code in fixture.notes if code not in notes]
    lost = []
    for name, exercise in exercises.items() if not attack else ():
        earned = _earned(entries.get(name))
        expected = verdicts.get(name) if name in fixture.verdicts else "OK"
        if expected == "OK" and earned < exercise.points_total - TOLERANCE:
            lost.append(f"{name} has {earned:g} of {exercise.points_total:g} points: {_why(entries.get(name))}")
    for name in fixture.unharmed if attack else ():
        if _earned(entries.get(name)) < exercises[name].points_total - TOLERANCE:
            faults.append(f"{name} must keep its points and has {_earned(entries.get(name)):g}: {_why(entries.get(name))}")
    return Outcome(
        fixture,
        status,
        verdicts,
        proven=round(sum(entry["proven_points"] for entry in entries.values()), 6),
        observed=round(sum(entry["observed_points"] for entry in entries.values()), 6),
        gained=tuple(_gained(fixture, exercises, entries)) if attack else (),
        leaked=tuple(leaked),
        left=tuple(left),
        lost=tuple(lost),
        faults=tuple(faults),
        evaded=fixture.kind == "observed"
        and any(_kept_observed(exercises[name], entries[name]) for name in fixture.verdicts if name in entries),
    )


def _gained(fixture: Fixture, exercises: Mapping[str, Exercise], entries: Mapping[str, Any]) -> list[str]:
    found = []
    for name, exercise in exercises.items():
        ceiling = 0.0
        if name in fixture.unharmed:
            ceiling = exercise.points_total
        elif name in fixture.verdicts and fixture.kind == "observed":
            ceiling = sum(points for family, points in exercise.points_by_family.items() if family not in OBSERVED_FAMILIES)
        elif name in fixture.verdicts:
            ceiling = sum(points for family, points in exercise.points_by_family.items() if family in fixture.earns)
        proven = entries[name]["proven_points"] if name in entries else 0.0
        if proven > ceiling + TOLERANCE:
            found.append(f"{name} has {proven:g} proven points, at most {ceiling:g} are allowed")
    return found


def _kept_observed(exercise: Exercise, entry: Mapping[str, Any]) -> bool:
    """Tell whether every observed point was earned: then nothing of what was broken was seen."""
    maximum = sum(points for family, points in exercise.points_by_family.items() if family in OBSERVED_FAMILIES)
    return maximum > 0 and entry["observed_points"] >= maximum - TOLERANCE


def _earned(entry: Mapping[str, Any] | None) -> float:
    return 0.0 if entry is None else float(entry["points"])


def _why(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "no entry in the ledger"
    messages = [case["message"] for case in entry["cases"] if case["message"]]
    return messages[0] if messages else f"{entry['verdict']} {entry.get('error') or ''}".strip()
