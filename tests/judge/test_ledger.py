"""The ledger and its receipt: complete, canonical, and free of clocks, hosts and measurements."""

from __future__ import annotations

import json
import platform
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from judged_exercises import EXERCISES, Double, Root, double, root

from autograder.exercise.seeds import SeedSource
from autograder.judge.ledger import Subject, make_error_ledger, make_ledger, message, receipt
from autograder.judge.records import CheckRecord, Ending
from vislab.check.verdict import Verdict

SUBJECT = Subject("t1_toy", "toy_one", "ab" * 32, "cd" * 32, {"torch": "2.13.0", "grader": "0.1.0"})
BOTH = [Double(), Root()]


@pytest.fixture
def records(judged: Callable[..., CheckRecord]) -> dict[str, CheckRecord]:
    return {"toy.double": judged(lambda x: double(x).detach()), "toy.root": judged(root, "toy.root")}


def ledger(records: Mapping[str, CheckRecord], **more: Any) -> dict[str, Any]:
    return make_ledger(SUBJECT, BOTH, records, more.pop("intake", []), **more)


def entry(made: Mapping[str, Any], name: str) -> dict[str, Any]:
    (found,) = [entry for entry in made["exercises"] if entry["name"] == name]
    return found


def test_a_ledger_says_what_was_judged(records: dict[str, CheckRecord]) -> None:
    made = ledger(records, intake=[{"code": "retagged", "text": "a cell was moved"}], run={"wall_s": [1.5]})
    assert (made["status"], made["assignment"], made["notebook"], made["schema"]) == ("GRADED", "t1_toy", "toy_one", 1)
    assert (made["points"], made["max_points"], made["bonus_points"]) == (8.0, 10.0, 2.0)
    assert made["run"] == {"wall_s": [1.5]} and made["intake"] == [{"code": "retagged", "text": "a cell was moved"}]
    first = entry(made, "toy.double")
    assert (first["verdict"], first["points"], first["max_points"], first["bonus"]) == ("WRONG_GRADIENT", 8.0, 10.0, False)
    assert (first["proven_points"], first["observed_points"]) == (7.0, 1.0)
    families = {family["family"]: family for family in first["families"]}
    assert families["gradient"] == {
        "family": "gradient", "proven": True, "earned": 0.0, "max": 2.0, "passed": 0, "total": 1, "gated": False
    }  # fmt: skip
    assert families["purity"]["proven"] is False
    wrong = [case for case in first["cases"] if case["verdict"] != "OK"]
    text = "no gradient flows back; something in the computation cuts the graph"
    assert [(case["name"], case["text"]) for case in wrong] == [("gradient", text)]
    assert wrong[0]["message"] == f'[toy.double · gradient · "gradient"] {text}'
    assert all(case["message"] == "" for case in first["cases"] if case["verdict"] == "OK")
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_bonus_points_are_kept_apart(records: dict[str, CheckRecord]) -> None:
    made = ledger(records)
    assert entry(made, "toy.root")["bonus"] is True and entry(made, "toy.root")["points"] == 2.0
    assert made["points"] == 8.0 and made["max_points"] == 10.0


def test_an_exercise_nobody_reached_is_not_attempted() -> None:
    made = ledger({})
    assert [found["verdict"] for found in made["exercises"]] == ["NOT_ATTEMPTED", "NOT_ATTEMPTED"]
    assert (made["status"], made["points"], made["max_points"]) == ("GRADED", 0, 10.0)


def test_a_check_cell_that_failed_before_the_judge_is_a_runtime_error() -> None:
    absent = CheckRecord("toy.double", Ending.ABSENT, error="the check cell failed before it reached the judge")
    made = ledger({"toy.double": absent})
    assert entry(made, "toy.double")["verdict"] == "RUNTIME_ERROR" and entry(made, "toy.root")["verdict"] == "NOT_ATTEMPTED"


def test_a_file_that_cannot_be_read_has_a_definite_result() -> None:
    made = ledger({}, unreadable="not JSON")
    assert made["status"] == "UNREADABLE" and made["unreadable"] == "not JSON" and made["points"] == 0
    assert {found["verdict"] for found in made["exercises"]} == {"UNREADABLE"}


def test_a_fault_of_ours_is_never_a_zero(judged: Callable[..., CheckRecord]) -> None:
    broken = judged(double, "toy.broken")
    made = make_ledger(SUBJECT, [EXERCISES["toy.broken"], Root()], {"toy.broken": broken, "toy.root": judged(root, "toy.root")}, [])
    assert made["status"] == "GRADER_ERROR" and entry(made, "toy.broken")["verdict"] == "GRADER_ERROR"
    # what the others earned stays, and what was judged of this one as well.
    assert entry(made, "toy.root")["verdict"] == "OK" and entry(made, "toy.broken")["points"] > 0
    whole = make_error_ledger(SUBJECT, BOTH, "the sandbox did not start")
    assert whole["status"] == "GRADER_ERROR" and whole["error"] == "the sandbox did not start"
    assert {found["verdict"] for found in whole["exercises"]} == {"GRADER_ERROR"} and whole["max_points"] == 10.0
    assert json.loads(receipt(whole))["status"] == "GRADER_ERROR"


def test_resource_verdicts_are_marked(judged: Callable[..., CheckRecord]) -> None:
    def hungry(x):
        raise MemoryError

    made = ledger({"toy.double": judged(hungry)})
    assert {case["resource"] for case in entry(made, "toy.double")["cases"]} == {True}
    assert {case["resource"] for case in entry(ledger({"toy.double": judged(double)}), "toy.double")["cases"]} == {False}


def test_a_second_judging_gives_the_same_bytes(judged: Callable[..., CheckRecord], seeds: SeedSource) -> None:
    def wrong(x):
        return double(x) * 1.25 if x.shape[0] == 3 else double(x)

    def once() -> bytes:
        judgements = {"toy.double": judged(wrong), "toy.root": judged(root, "toy.root")}
        return receipt(ledger(judgements, run={"wall_s": [time.monotonic()], "host": platform.node()}))

    first = once()
    torch.rand(3)
    assert once() == first
    other = SeedSource(b"another secret of the course", seeds.submission_hash)
    assert receipt(ledger({"toy.double": judged(wrong, source=other), "toy.root": judged(root, "toy.root", other)})) != first


def test_a_receipt_holds_no_clock_no_host_and_nothing_measured(records: dict[str, CheckRecord], judged: Callable[..., CheckRecord]) -> None:
    records["toy.double"] = judged(lambda x: double(x) + 0.001234)
    run = {"wall_s": [12.345678], "host": "a-host-of-ours", "when": "2027-02-05"}
    made = ledger(records, intake=[{"code": "retagged", "text": "a cell was moved"}], run=run)
    written = receipt(made).decode()
    assert "0.0012" in json.dumps(made), "the ledger names the error, so that its absence below means something"
    for measured in ("0.0012", "12.345", "a-host-of-ours", "2027", "max error", "a cell was moved", platform.node()):
        assert not measured or measured not in written
    kept = json.loads(written)
    assert kept.keys() == {
        "schema", "assignment", "notebook", "status", "submission_hash", "assignment_digest", "versions", "intake", "points", "exercises"
    }  # fmt: skip
    assert kept["intake"] == ["retagged"] and kept["points"] == [made["points"], 10.0, 2.0]
    assert kept["exercises"][0].keys() == {"name", "verdict", "points", "families", "cases"}
    # every number that is left is a count or points.
    assert all(float(number) == round(float(number), 6) for number in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", written))


def test_a_receipt_is_canonical(records: dict[str, CheckRecord]) -> None:
    made = ledger(records)
    shuffled = {key: made[key] for key in sorted(made, reverse=True)}
    assert receipt(shuffled) == receipt(made) == receipt(json.loads(json.dumps(made)))
    assert receipt(made).endswith(b"}\n") and receipt(made).decode("utf-8")


@pytest.mark.parametrize("part", ["status", "submission_hash", "assignment_digest", "versions", "points", "intake"])
def test_whatever_decides_a_mark_moves_the_receipt(records: dict[str, CheckRecord], part: str) -> None:
    made = ledger(records)
    changed = {"versions": {"torch": "2.14.0"}, "points": 9.0, "intake": [{"code": "x", "text": ""}]}.get(part, "other")
    assert receipt({**made, part: changed}) != receipt(made)


def test_a_message_names_everything_needed_to_find_the_case() -> None:
    text = message("pose.soft_argmax", "value", "two maxima", "max error 3.2 (allowed 0.0001)")
    assert text == '[pose.soft_argmax · value · "two maxima"] max error 3.2 (allowed 0.0001)'


def test_a_ledger_holds_no_seed(records: dict[str, CheckRecord], seeds: SeedSource) -> None:
    written = json.dumps(ledger(records)) + receipt(ledger(records)).decode()
    for exercise in BOTH:
        for case in exercise.cases():
            assert seeds.case_seed(exercise.name, case.name).hex() not in written
            assert seeds.fingerprint(exercise.name, case.name) in written
    assert seeds.secret.decode() not in written


def test_every_verdict_is_written_as_text(records: dict[str, CheckRecord]) -> None:
    for found in ledger(records)["exercises"]:
        assert type(found["verdict"]) is str and found["verdict"] in set(Verdict)
        assert all(type(case["verdict"]) is str and type(case["family"]) is str for case in found["cases"])
