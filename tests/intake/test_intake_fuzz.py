"""Mutated notebooks: every one gets a definite, valid result; nothing a student defined is lost; no traceback."""

from __future__ import annotations

import json

import hostile_files
import notebook_fuzz
import pytest
from damaged_notebooks import DAMAGES, Damage
from editor_notebooks import EDITORS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_notebooks import as_bytes
from notebook_fuzz import (
    CELL_ACTIONS,
    STARTS,
    TEMPLATE,
    VALUES,
    assert_checks_follow_answers,
    assert_definite,
    assert_nothing_lost,
    cell_shuffles,
    change_cells,
    count_mutations,
    encoded,
    mutated_notebooks,
)

from autograder.intake.repair import clean_notebook
from autograder.intake.syntax import facts_of

quick = settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@quick
@given(mutated_notebooks())
def test_a_mutated_notebook_gets_a_definite_result(raw: bytes) -> None:
    assert_definite(raw)


@quick
@given(cell_shuffles())
def test_a_shuffled_notebook_gets_a_definite_result(raw: bytes) -> None:
    assert_definite(raw)


@quick
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_anything_gets_a_definite_result(raw: bytes) -> None:
    assert_definite(raw)


@pytest.mark.slow
def test_two_thousand_mutations_are_definite() -> None:
    count = count_mutations(2000)
    assert count.failures == {}
    assert count.tried == count.definite == 2000
    # no kind of mutation is so strong that nothing is left to repair, or so weak that nothing happens.
    assert set(count.statuses) == {"ok", "repaired", "unreadable"} and min(count.statuses.values()) >= 20, count.statuses
    assert sum(count.statuses.values()) == 2000


def test_damaged_notebooks_are_counted() -> None:
    count = hostile_files.count_damages()
    assert count.failures == {}
    assert count.definite == count.fixtures == len(DAMAGES) + len(EDITORS) >= 30
    assert set(count.statuses) == {"ok", "repaired", "unreadable"}


def test_a_damage_that_ends_otherwise_is_counted_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    good = DAMAGES[0]
    wrong = [
        Damage("other_status", good.make, "ok", good.codes, None),
        Damage("other_note", good.make, good.status, frozenset({"renamed"}), None),
        Damage("other_answer", good.make, good.status, good.codes, {"pose.soft_argmax": ["soft"]}),
    ]
    monkeypatch.setattr(hostile_files, "DAMAGES", wrong)
    monkeypatch.setattr(hostile_files, "EDITORS", {})
    count = hostile_files.count_damages()
    assert (count.fixtures, count.definite) == (3, 0)
    said = {name: text.strip().splitlines()[-1] for name, text in count.failures.items()}
    assert said["other_status"] == "AssertionError: unreadable, expected ok"
    assert said["other_note"] == "AssertionError: notes ['unreadable'], expected ['renamed']"
    assert said["other_answer"].startswith("AssertionError: judged {")


def test_a_mutation_that_breaks_intake_is_counted_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    real = notebook_fuzz.clean_notebook

    def breaks(raw: bytes, *rest: object) -> object:
        if len(raw) % 5 == 0:
            raise KeyError("cells")
        return real(raw, *rest)

    monkeypatch.setattr(notebook_fuzz, "clean_notebook", breaks)
    count = count_mutations(60, seed=3)
    assert count.tried == 60 and 0 < len(count.failures) < 60 and count.definite == 60 - len(count.failures)
    assert all("KeyError: 'cells'" in trace for trace in count.failures.values())


def test_equal_seeds_give_equal_mutations() -> None:
    assert count_mutations(30, seed=5) == count_mutations(30, seed=5)


@pytest.mark.parametrize("action", CELL_ACTIONS)
def test_every_change_of_cells_changes_something(action: str) -> None:
    """A mutator that does nothing would make a fuzz that shows nothing."""
    picks = {"code": "markdown", "flags": True}

    class Drawn:
        """Answers each draw: places 4 and 6, the action, and a value that differs from what is there."""

        def __init__(self) -> None:
            self.numbers = iter((4, 6, 1))

        def __call__(self, strategy: st.SearchStrategy) -> object:
            text = repr(strategy)
            if "integers" in text:
                return next(self.numbers)
            if "booleans" in text:
                return picks["flags"]
            if "'copy'" in text:
                return action
            return 500 if "500" in text else "markdown"

    table = json.loads(STARTS[0])
    before = json.dumps(table)
    change_cells(Drawn(), table["cells"])
    assert json.dumps(table) != before


@pytest.mark.parametrize("how", ["mark", "utf-16", "line ends", "twice", "gap"])
def test_every_encoding_is_read(how: str) -> None:
    assert encoded(STARTS[0], how) != STARTS[0]
    assert assert_definite(encoded(STARTS[0], how)) in ("ok", "repaired")


def test_the_properties_can_fail() -> None:
    table = json.loads(as_bytes(json.loads(STARTS[0])))
    clean = clean_notebook(as_bytes(table), TEMPLATE).notebook
    facts = [(cell, facts_of(cell.source)) for cell in clean.cells if cell.cell_type == "code"]
    assert_checks_follow_answers(facts)
    with pytest.raises(AssertionError, match="checked before it is defined"):
        assert_checks_follow_answers(facts[::-1])
    with pytest.raises(AssertionError, match="lost"):
        assert_nothing_lost(as_bytes(table), set())
