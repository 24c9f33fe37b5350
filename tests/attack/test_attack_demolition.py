"""A suite that stays green proves little until it has been seen red: one wall is taken down at a time, and the suite must notice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

import autograder.judge.session
import vislab.check.examine
from autograder.attack.fixture import Fixture, find_fixtures
from autograder.attack.outcome import Outcome
from autograder.attack.suite import run_suite
from autograder.judge.session import CheckSession
from autograder.sandbox.demolition import without
from vislab.check.compare import Finding

ATTACKS = Path(__file__).resolve().parent.parent / "attacks"

pytestmark = [pytest.mark.needs_walls, pytest.mark.filterwarnings("ignore::autograder.sandbox.demolition.DemolitionWarning")]


def silent(name: str, total: int | None) -> Callable[[str], None]:
    return lambda line: None


def outcomes(names: list[str], place: Path, down: AbstractContextManager[object]) -> dict[str, Outcome]:
    """Run fixtures in this process while something is down."""
    fixtures: list[Fixture] = find_fixtures([ATTACKS / name for name in names])
    with down:
        report = run_suite(fixtures, ATTACKS / "range", place, silent, in_process=True)
    return {outcome.fixture.name: outcome for outcome in report.outcomes} | {
        f"trace {number}": Outcome(fixtures[0], "", left=(trace,)) for number, trace in enumerate([*report.left_behind, *report.faults])
    }


# wall, or walls that stand in for each other -> the fixture that must notice, and what its complaint says. Files in memory count as the
# sandbox's memory where it has a control group, so the disk is bounded twice.
HOST = {
    "network": ("host/wrong_value-reaches_out", "listener"),
    "environment": ("notebook/wrong_value-reads_every_environment", "environment token"),
    "files": ("host/wrong_value-reads_what_is_not_its_own", "other student"),
    "pid": ("host/wrong_value-daemons_in_new_sessions", "outlived"),
    "memory": ("host/memory_limit-memory_bomb_in_the_answer", "expected MEMORY_LIMIT"),
    "processes": ("host/wrong_value-fork_bomb", "200 processes"),
    "disk memory": ("host/wrong_value-fills_the_disk", "a whole gigabyte"),
    "seccomp": ("host/wrong_value-namespaces_and_mounts", "personality 0"),
}


@pytest.mark.parametrize("wall", HOST)
def test_a_missing_wall_turns_the_suite_red(wall: str, place: Path) -> None:
    name, told = HOST[wall]
    complaints = [text for outcome in outcomes([name], place, without(*wall.split())).values() for text in outcome.complaints]
    assert any(told in text for text in complaints), complaints


def finds_nothing(*arguments: object) -> Finding | None:
    """Stand in for a part of the judge that finds a fault."""
    return None


# part -> what is replaced, the fixtures that must notice, and what their complaint says.
JUDGE = {
    "comparison": (
        (autograder.judge.session, "examine"),
        ["objects/not_finite-nan", "objects/wrong_shape-scalar", "wrong/wrong_value-constant"],
        "gained",
    ),
    "gradients": (
        (vislab.check.examine, "_gradient"),
        ["wrong/wrong_gradient-no_backward", "wrong/wrong_gradient-straight_through"],
        "gained",
    ),
    "observation": ((CheckSession, "_observe"), ["wrong/rule-soft_max_by_getattr"], "expected RULE"),
}


@pytest.mark.parametrize("part", JUDGE)
def test_a_missing_part_of_the_judge_turns_the_suite_red(part: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (owner, name), names, told = JUDGE[part]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, finds_nothing)
        found = outcomes(names, place, nullcontext())
    for name in names:
        assert any(told in text for text in found[name].complaints), (name, found[name].complaints)


def test_the_same_fixtures_are_green_when_everything_stands(place: Path) -> None:
    names = ["objects/not_finite-nan", "wrong/rule-soft_max_by_getattr", "host/wrong_value-reaches_out"]
    found = outcomes(names, place, nullcontext())
    assert [text for outcome in found.values() for text in outcome.complaints] == []
