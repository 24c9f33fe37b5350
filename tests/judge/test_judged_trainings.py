"""Trainings before the judge: honest ones of any speed and form earn their points, and nothing else does."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from training_exercises import EXERCISES, STEPS, in_closed_form, partly_trained, train, train_slope

from autograder.audit.answers import Answer, CheckCall
from autograder.audit.exercise_audit import audit_exercise
from autograder.audit.training import trained_metrics, training_faults
from autograder.authoring.record import record_cases
from autograder.exercise.assignment import Assignment
from autograder.exercise.behaviour import Band, BehaviourProbe
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.ledger import Subject, make_ledger, receipt
from autograder.judge.records import CheckRecord, Ending
from autograder.judge.scoring import score
from autograder.judge.session import CheckSession
from vislab.check.home import check_at_home
from vislab.check.picture import show_error
from vislab.check.public_cases import CASES_VARIABLE, read_cases
from vislab.check.verdict import Verdict

SEEDS = SeedSource(b"a course secret for trainings", "ef" * 32)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def judge(answer: Callable[..., Any], exercise: str = "toy.sides", case_s: float = 10.0) -> CheckRecord:
    return CheckSession(EXERCISES[exercise], SEEDS, case_s).run(LocalExchange(answer, {}))


def points(record: CheckRecord) -> float:
    return score(EXERCISES[record.exercise], record).earned


def texts(record: CheckRecord) -> set[str]:
    return {f"{case.verdict} {case.text}" for case in record.cases if case.verdict is not Verdict.OK}


def slowly(*given: Any, steps: int, seed: int) -> Tensor:
    time.sleep(0.3)
    return train(*given, steps=steps, seed=seed)


@pytest.mark.parametrize("answer", [train, in_closed_form, slowly])
def test_an_honest_training_earns_everything_however_it_is_written(answer: Callable[..., Any]) -> None:
    record = judge(answer)
    assert texts(record) == set() and points(record) == 10.0 and not record.observed.over_budget


def test_a_training_that_takes_longer_than_a_case_is_inside_its_allowance() -> None:
    assert points(judge(slowly, case_s=0.05)) == 10.0


def test_a_regression_is_scored_by_its_error() -> None:
    assert points(judge(train_slope, "toy.slope")) == 1.0


def test_a_lower_band_earns_its_share_of_every_case() -> None:
    record = judge(partly_trained)
    assert all(case.verdict is Verdict.WRONG_VALUE and case.share == 0.5 for case in record.cases)
    scored = score(EXERCISES["toy.sides"], record)
    # half of 9 points, and the one for rules: half of the value opens the gate.
    assert (scored.proven, scored.observed, scored.verdict) == (4.5, 1.0, Verdict.WRONG_VALUE)
    assert all("expected 0.9 or more; it earns 50% of the points" in text for text in texts(record))


class Lazy:
    """Computes when it is asked for."""

    def __init__(self, compute: Callable[[], Tensor]) -> None:
        self.compute = compute

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func(*[arg.compute() if isinstance(arg, Lazy) else arg for arg in args], **(kwargs or {}))


class Late(torch.Tensor):
    pass


def never(*given: Any, **budget: Any) -> Tensor:
    raise NotImplementedError


GUESS = "no better than a guess that has learnt nothing"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda p, y, h, **budget: torch.zeros(len(h), dtype=torch.long), f"; all predictions are equal; {GUESS}"),
        (lambda p, y, h, **budget: y, "WRONG_SHAPE answer has shape [200], expected [150]"),
        (lambda p, y, h, **budget: y[: len(h)], f"expected 0.9 or more; {GUESS}"),
        (lambda p, y, h, steps, seed: train(p, 1 - y, h, steps, seed), GUESS),
        (lambda p, y, h, steps, seed: train(p, y[torch.randperm(len(y))], h, steps, seed), "WRONG_VALUE accuracy"),
        (lambda p, y, h, steps, seed: train(p, y, h, steps, seed).float(), "WRONG_DTYPE answer has dtype float32, expected int64"),
        (lambda p, y, h, steps, seed: train(p, y, h, steps, seed)[:, None], "WRONG_SHAPE answer has shape [150, 1], expected [150]"),
        (lambda p, y, h, steps, seed: train(p, y, h, steps, seed).tolist(), "values were returned, expected 1"),
        (lambda p, y, h, steps, seed: Lazy(lambda: train(p, y, h, steps, seed)), "WRONG_TYPE the answer must be a torch.Tensor"),
        (lambda p, y, h, steps, seed: train(p, y, h, steps, seed).as_subclass(Late), "WRONG_TYPE the answer must be a torch.Tensor"),
        (lambda p, y, h, steps, seed: train(p, y, h, steps, seed).to("meta"), "WRONG_TYPE the answer is a meta tensor without values"),
        (lambda p, y, h, **budget: None, "WRONG_TYPE nothing was returned; the answer must be a torch.Tensor"),
        (lambda p, y, h, **budget: torch.full((len(h),), 2**62), "WRONG_VALUE accuracy 0"),
        (lambda p, y, h: y, "RUNTIME_ERROR TypeError was raised in the call"),
        (never, "NOT_ATTEMPTED not written yet"),
        (train(torch.ones(2, 2), torch.zeros(2).long(), torch.ones(2, 2), 1, 1), "WRONG_TYPE what was handed in is not the kind"),
    ],
    ids=range(16),
)
def test_what_has_not_learnt_earns_nothing(answer: Any, said: str) -> None:
    record = judge(answer)
    assert points(record) == 0.0
    assert any(said in text for text in texts(record)), texts(record)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda p, y, h, **budget: y[:1].expand(len(h)) * float("nan"), "NOT_FINITE 150 of 150 elements of the answer are NaN or infinite"),
        (lambda p, y, h, **budget: torch.full((len(h),), 3e38), "WRONG_VALUE mean error 3e+38, expected 0.05 or less"),
        (lambda p, y, h, steps, seed: train_slope(p, y, h, steps, seed).double(), "WRONG_DTYPE answer has dtype float64, expected float32"),
        (lambda p, y, h, steps, seed: train_slope(p, y, h, 1, seed), "WRONG_VALUE mean error"),
    ],
    ids=["nan", "huge", "double", "one step"],
)
def test_wrong_numbers_are_no_failure_of_ours(answer: Callable[..., Any], said: str) -> None:
    record = judge(answer, "toy.slope")
    assert points(record) == 0.0 and any(said in text for text in texts(record)), texts(record)


def _no_number(predictions: Tensor, targets: Tensor) -> Tensor:
    return predictions.mean() * float("nan")


def test_a_metric_that_is_no_number_is_outside_every_band() -> None:
    sides = EXERCISES["toy.slope"]
    probe = BehaviourProbe(_no_number, "error", (Band(high=1.0),), 5)
    exercise = type("Odd", (type(sides),), {"probe": probe})()
    record = CheckSession(exercise, SEEDS, 10.0).run(LocalExchange(train_slope, {}))
    assert texts(record) == {"NOT_FINITE error of these predictions is not a number"}


def test_a_model_kept_from_another_case_knows_nothing_of_this_one(tmp_path: Path) -> None:
    kept = tmp_path / "model.pt"

    def caching(points: Tensor, labels: Tensor, hidden: Tensor, steps: int, seed: int) -> Tensor:
        if not kept.exists():
            torch.save((points, labels), kept)
        return train(*torch.load(kept), hidden, steps=steps, seed=seed)

    # its own case right, whichever came first; of the others at most luck.
    assert sum(case.verdict is Verdict.OK for case in judge(caching).cases) <= 2


def test_more_steps_than_the_budget_are_observed_and_cost_the_observed_points_alone() -> None:
    record = judge(lambda *given, steps, seed: train(*given, steps=3 * steps, seed=seed))
    scored = score(EXERCISES["toy.sides"], record)
    assert record.observed.over_budget and (scored.proven, scored.observed, scored.verdict) == (9.0, 0.0, Verdict.RULE)


def test_an_endless_training_ends_with_its_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*given: Any, **budget: Any) -> Tensor:
        while True:
            time.sleep(0.01)

    monkeypatch.setattr("autograder.exercise.behaviour.FIRST_OPTIMISER_S", 0.0)
    quick = type("Quick", (type(EXERCISES["toy.sides"]),), {"probe": BehaviourProbe(_error, "error", (Band(high=0.1),), 5, 0.05)})()
    record = CheckSession(quick, SEEDS, 0.1).run(LocalExchange(endless, {}))
    assert record.ending is Ending.STALLED and record.resource
    assert "TIME_LIMIT no answer within 0.2 s" in texts(record)


def _error(predictions: Tensor, targets: Tensor) -> Tensor:
    return (predictions - targets).abs().to(torch.float64).mean()


def test_the_ledger_shows_shares_and_the_receipt_no_metric() -> None:
    exercise, record = EXERCISES["toy.sides"], judge(partly_trained)
    ledger = make_ledger(Subject("t1", "n", "00", "11", {}), [exercise], {exercise.name: record}, [])
    entry = ledger["exercises"][0]
    assert entry["points"] == 5.5 and entry["observed"]["over_budget"] is False
    assert "accuracy" in entry["cases"][0]["message"] and b"accuracy" not in receipt(ledger)
    again = make_ledger(Subject("t1", "n", "00", "11", {}), [exercise], {exercise.name: judge(partly_trained)}, [])
    assert receipt(again) == receipt(ledger)


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Assignment(tmp_path, "t1", "T", None, 0.0, ("n",), 11.0, exercises=dict(EXERCISES))
    path = tmp_path / "cases.h5"
    record_cases(folder, path)
    monkeypatch.setenv(CASES_VARIABLE, str(path))
    return path


def test_at_home_the_public_case_is_trained_with_a_bar_and_its_band(
    at_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_at_home("toy.sides", train, {}).ok
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("VISLAB_CI", "0")
    assert check_at_home("toy.sides", train, {}).ok
    shown = capsys.readouterr().out
    assert "accuracy: 0.9 or more" in shown and f"{STEPS}/{STEPS}" in shown
    assert "(expected 0.9 or more), 60 of 60 steps" in shown
    wrong = check_at_home("toy.sides", lambda p, y, h, **budget: y[: len(h)], {})
    assert wrong.rows[0].verdict is Verdict.WRONG_VALUE and "expected 0.9 or more" in wrong.rows[0].text
    over = check_at_home("toy.sides", lambda *given, steps, seed: train(*given, steps=2 * steps, seed=seed), {})
    assert over.rows[0].verdict is Verdict.RULE and over.rows[0].text == "takes 120 optimiser steps, and the budget is 60"
    half = check_at_home("toy.sides", partly_trained, {})
    assert "it earns 50% of the points" in half.rows[0].text


def test_the_recorded_case_holds_its_targets_and_is_not_trained_again_for_a_picture(at_home: Path) -> None:
    (case,), hidden = read_cases(at_home, "toy.sides")
    assert case.targets.keys() == {"withheld.0"} and case.targets["withheld.0"].value.dtype is torch.int64 and hidden == ("behaviour",)

    def refuse(*given: Any, **budget: Any) -> Tensor:
        raise AssertionError("trained for a picture")

    assert show_error("toy.sides", refuse, {}) is False


def written(folder: Path, name: str, *functions: Callable[..., Any], last: str = "") -> Answer:
    text = "import torch\nfrom torch import Tensor\n\n" + "\n\n".join(inspect.getsource(function) for function in functions)
    (folder / f"{name}.py").write_text(f"{text}\n{last}\n")
    return Answer(name, folder / f"{name}.py")


def test_the_audit_of_a_training(tmp_path: Path) -> None:
    call = CheckCall("train", {})
    guess = "def train(p, y, h, steps, seed):\n    return "
    mutants = [
        written(tmp_path, "constant", last=f"{guess}torch.zeros(len(h), dtype=torch.long)"),
        written(tmp_path, "labels", last=f"{guess}y[:len(h)]"),
        written(tmp_path, "spoilt", train, partly_trained, last="right = train\ntrain = lambda *a, **k: 1 - right(*a, **k)"),
        written(tmp_path, "ones", last=f"{guess}torch.ones(len(h), dtype=torch.long)"),
    ]
    accepted = [written(tmp_path, "closed", in_closed_form, last="train = in_closed_form"), written(tmp_path, "own", train)]
    solution, stub = written(tmp_path, "solution", train), written(tmp_path, "stub", last=f"{guess}1 / 0")
    row = audit_exercise(EXERCISES["toy.sides"], call, solution, stub, mutants, accepted, secrets=20)
    assert row.faults == [] and row.mutants_killed == 4 and row.accepted_kept == 2 and row.solution_full
    survivor = audit_exercise(EXERCISES["toy.sides"], call, solution, stub, [accepted[0], *mutants], accepted, secrets=1)
    assert survivor.faults == ["mutant 'closed' keeps full points under 1 of 1 secrets"]


def test_metrics_from_which_bands_are_made() -> None:
    sides, sources = EXERCISES["toy.sides"], [SeedSource(bytes([number]) * 16, "00") for number in range(3)]
    found = trained_metrics(sides, train, sources)
    assert len(found) == 9 and min(found) > 0.8 and found == trained_metrics(sides, train, sources)
    spoilt = trained_metrics(sides, partly_trained, sources)
    assert all(low < high for low, high in zip(spoilt, found, strict=True))
    with pytest.raises(ValueError, match=r"toy\.sides, case 'shown': answer has shape \[200\], expected \[150\]"):
        trained_metrics(sides, lambda p, y, h, **budget: y, sources)
    with pytest.raises(TypeError, match=r"toy\.square has the probe function; metrics are of trainings"):
        trained_metrics(type("Square", (Exercise,), {"name": "toy.square"})(), train, sources)


def test_the_audit_finds_bands_that_guessing_reaches_and_metrics_that_break() -> None:
    sides = type(EXERCISES["toy.sides"])

    def strict(predictions: Tensor, targets: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(predictions, 2).argmax(1).eq(targets).double().mean()

    wide = BehaviourProbe(EXERCISES["toy.sides"].probe.metric, "accuracy", (Band(low=0.2),), 5)
    broken = BehaviourProbe(strict, "accuracy", (Band(low=0.9),), 5)
    told = training_faults(type("Wide", (sides,), {})(), wide, [SEEDS])
    assert any(text == "case 'shown': the baseline earns 100% of the points; narrow the bands" for text in told)
    assert any("predictions that are all 0 earn points (accuracy 0." in text for text in told)
    told = training_faults(type("Broken", (sides,), {})(), broken, [SEEDS])
    assert any(text.startswith("case 'shown': the metric raises") and text.endswith("it must give a number for any") for text in told)
    assert training_faults(sides(), EXERCISES["toy.sides"].probe, [SEEDS]) == []
