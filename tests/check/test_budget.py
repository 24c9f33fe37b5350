"""Demonstration loops run in full for people and briefly under the judge."""

from __future__ import annotations

import pytest

from vislab.check.budget import BUDGET_VARIABLE, JUDGE_VARIABLE, graded, steps


def test_a_person_sees_the_whole_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JUDGE_VARIABLE, raising=False)
    assert not graded() and steps(200) == 200 and steps(1, graded_steps=5) == 1


def test_grading_shortens_it_and_never_lengthens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JUDGE_VARIABLE, "/run/judge/judge.sock")
    assert graded() and steps(200) == 2 and steps(200, graded_steps=7) == 7 and steps(1, graded_steps=7) == 1


def test_an_empty_variable_is_no_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JUDGE_VARIABLE, "")
    assert not graded()


@pytest.mark.parametrize(("arguments", "text"), [((0,), "full 0"), ((3, 0), "graded_steps 0"), ((-1,), "full -1")])
def test_no_steps_at_all_are_refused(arguments: tuple[int, ...], text: str) -> None:
    with pytest.raises(ValueError, match=f"{text} must be at least 1"):
        steps(*arguments)


def test_the_small_budget_shortens_what_names_a_small_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JUDGE_VARIABLE, raising=False)
    for budget, expected in (("full", 900), ("", 900), ("small", 40)):
        monkeypatch.setenv(BUDGET_VARIABLE, budget)
        assert steps(900, small_steps=40) == expected and steps(900) == 900 and steps(30, small_steps=40) == 30
    monkeypatch.setenv(JUDGE_VARIABLE, "/run/judge/judge.sock")
    assert steps(900, small_steps=40) == 2


def test_an_unknown_budget_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JUDGE_VARIABLE, raising=False)
    monkeypatch.setenv(BUDGET_VARIABLE, "tiny")
    with pytest.raises(ValueError, match="VISLAB_BUDGET 'tiny' must be one of full, small; unset it"):
        steps(900, small_steps=40)
    with pytest.raises(ValueError, match="small_steps 0 must be at least 1"):
        steps(900, small_steps=0)
