"""Every fixture has been seen red: the whole suite against a judge that finds nothing, and what that leaves green against other faults.

Minutes of grading, so left to whoever asks: ``VISLAB_SLOW=1 pytest tests/attack/test_attack_seen_red.py``. The walls one by one are in
test_attack_demolition.py.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from test_attack_demolition import ATTACKS, finds_nothing, outcomes

import autograder.judge.ledger
import autograder.judge.session
from autograder.attack.fixture import find_fixtures
from autograder.exercise.exercise import Exercise
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import ExerciseScore, FamilyScore
from autograder.judge.session import CheckSession
from vislab.check.verdict import Verdict

CHANNELS = ("notebook", "files", "objects", "wrong", "calls", "host", "reader")
# their answers are right, and break a rule that nobody sees: what they may earn is stated, and a judge that earns them more does not exist.
EVADERS = {"wrong/ok-soft_max_of_another_library", "wrong/ok-switches_the_trace_off"}

pytestmark = [
    pytest.mark.needs_walls,
    pytest.mark.skipif(not os.environ.get("VISLAB_SLOW"), reason="slow: set VISLAB_SLOW=1 to run it"),
]


def gives_everything(exercise: Exercise, record: CheckRecord) -> ExerciseScore:
    """Stand in for the scoring: full points for an absence, a limit that was hit, a file that is no notebook."""
    points = exercise.points_by_family.items()
    return ExerciseScore(Verdict.OK, tuple(FamilyScore(family, most, most, 1, 1, gated=False) for family, most in points))


def test_every_attack_turns_red_when_the_judge_sees_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [fixture.name for fixture in find_fixtures([ATTACKS / channel for channel in CHANNELS])]
    (place / "blind").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(autograder.judge.session, "examine", finds_nothing)
        patch.setattr(CheckSession, "_observe", finds_nothing)
        found = outcomes(names, place / "blind", nullcontext())
    green = [name for name in names if not found[name].complaints]
    # what ends in an absence, an error or a limit never came to a comparison: there the points are what must be guarded.
    assert len(green) < len(names) / 5
    (place / "giving").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(autograder.judge.ledger, "score", gives_everything)
        found = outcomes(green, place / "giving", nullcontext())
    assert {name for name in green if not found[name].complaints} == EVADERS
