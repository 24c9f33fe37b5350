"""Whatever bytes come back from a step or a training, they are a student's fault or nobody's, never the grader's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import step_exercises
import torch
import training_exercises

from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.records import CheckRecord
from autograder.judge.session import CheckSession, Prepared
from vislab.check.verdict import Verdict
from vislab.wire.frames import Message

SEEDS = SeedSource(b"a course secret for odd answers", "0a" * 32)
_prepared: dict[str, dict[str, Prepared]] = {}
ODD: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "empty": lambda value: torch.zeros(0),
    "number": lambda value: torch.tensor(1.0),
    "boolean": lambda value: torch.ones(value.shape, dtype=torch.bool),
    "small whole": lambda value: torch.full(value.shape, -7, dtype=torch.int8),
    "another precision": lambda value: value.float() if value.dtype is torch.float64 else value.double(),
    "half": lambda value: value.half(),
    "not a number": lambda value: torch.full(value.shape, float("nan")),
    "infinite": lambda value: torch.full(value.shape, float("inf")),
    "one axis more": lambda value: value[None],
    "largest": lambda value: torch.full(value.shape, torch.finfo(torch.float32).max),
}


def judged(exercise: Any, answer: Callable[..., Any], spoil: Callable[[dict[str, torch.Tensor], dict[str, Any]], None]) -> CheckRecord:
    def reply(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], timeout_s: float) -> Message:
        message = LocalExchange(answer, {})(header, tensors, timeout_s)
        spoilt, told = dict(message.tensors), dict(message.header)
        spoil(spoilt, told)
        return Message(told, spoilt)

    return CheckSession(exercise, SEEDS, 10.0, prepared=_prepared.setdefault(exercise.name, {})).run(reply)


def refused(record: CheckRecord) -> bool:
    found = {case.verdict for case in record.cases}
    return Verdict.OK not in found and Verdict.GRADER_ERROR not in found


STEP, TRAINING = step_exercises.EXERCISES["toy.critic_step"], training_exercises.EXERCISES["toy.sides"]
PARTS = [
    "after.critic.inner.weight",
    "after.critic.norm.num_batches_tracked",
    "after.generator.inner.bias",
    "opt.optimiser.critic.inner.weight.momentum_buffer",
    "out.0",
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_state_of_a_step(odd: str) -> None:
    for part in PARTS:
        record = judged(STEP, step_exercises.critic_step, lambda spoilt, told, part=part: spoilt.update({part: ODD[odd](spoilt[part])}))
        assert refused(record), (part, [case.text for case in record.cases])


@pytest.mark.parametrize("odd", ODD)
def test_odd_gradients_left_by_a_step(odd: str) -> None:
    exercise = step_exercises.EXERCISES["toy.gan_step"]
    for part in ("left.generator.inner.weight", "left.generator.norm.bias"):
        record = judged(exercise, step_exercises.gan_step, lambda spoilt, told, part=part: spoilt.update({part: ODD[odd](spoilt[part])}))
        assert refused(record), (part, [case.text for case in record.cases])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda spoilt, told: spoilt.clear(),
        lambda spoilt, told: told.update(outputs=[]),
        lambda spoilt, told: told.update(outputs=[{}] * 9),
        lambda spoilt, told: [spoilt.pop(name) for name in list(spoilt) if name.startswith("opt.")],
        lambda spoilt, told: spoilt.update({"after.critic.\u202e": torch.zeros(1)}),
        lambda spoilt, told: spoilt.pop("after.generator.outer.bias"),
    ],
    ids=["nothing", "no outputs", "nine outputs", "no optimiser state", "another name", "a name less"],
)
def test_missing_and_additional_parts_of_a_step(spoil: Callable[..., Any]) -> None:
    record = judged(STEP, step_exercises.critic_step, spoil)
    assert refused(record) and not any("\u202e" in case.text for case in record.cases)


def test_lies_about_what_was_observed_are_no_failure_of_ours() -> None:
    for observed in (None, [], {"switched": 7, "steps": "many"}, {"steps": True}, {"steps": 10**30}):
        record = judged(
            step_exercises.EXERCISES["toy.critic_step"], step_exercises.critic_step, lambda s, told, o=observed: told.update(observed=o)
        )
        assert all(case.verdict is Verdict.OK for case in record.cases)
    lie = {"steps": 10**30}
    trained = judged(TRAINING, training_exercises.in_closed_form, lambda spoilt, told: told.update(observed=lie))
    assert trained.observed.over_budget and all(case.verdict is Verdict.OK for case in trained.cases)


@pytest.mark.parametrize("exercise", ["toy.sides", "toy.slope"])
def test_odd_predictions(exercise: str) -> None:
    answer = {"toy.sides": training_exercises.in_closed_form, "toy.slope": training_exercises.train_slope}[exercise]
    for odd, make in ODD.items():
        record = judged(
            training_exercises.EXERCISES[exercise],
            answer,
            lambda spoilt, told, make=make: spoilt.update({"out.0": make(spoilt["out.0"])}),
        )
        assert refused(record), odd
    assert refused(judged(training_exercises.EXERCISES[exercise], answer, lambda spoilt, told: spoilt.clear()))
