"""Training steps before the judge: right ones in several forms keep everything, each mistake loses and is told what it is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from judge_clients import beside
from step_exercises import EXERCISES, bce, critic_step, edited, gan_step

from autograder.authoring.record import record_cases
from autograder.exercise.assignment import Assignment
from autograder.exercise.expected import oracle_outputs, reference_outputs
from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import score
from autograder.judge.server import Judge
from autograder.judge.session import CheckSession, Prepared
from vislab.check.budget import JUDGE_VARIABLE
from vislab.check.graded import check_graded
from vislab.check.home import check_at_home
from vislab.check.public_cases import CASES_VARIABLE
from vislab.check.verdict import Verdict

SEEDS = SeedSource(b"a course secret for training steps", "cd" * 32)
_prepared: dict[str, dict[str, Prepared]] = {}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def judge(step: Callable[..., Any], exercise: str = "toy.critic_step") -> CheckRecord:
    known = _prepared.setdefault(exercise, {})
    return CheckSession(EXERCISES[exercise], SEEDS, 10.0, prepared=known).run(LocalExchange(step, {}))


def texts(record: CheckRecord) -> dict[str, str]:
    return {case.name: f"{case.verdict} {case.text}" for case in record.cases if case.verdict is not Verdict.OK}


def by_hand(generator, critic, optimiser, real, noise):
    with torch.no_grad():
        fake = generator(noise)
    real_loss, fake_loss = bce(critic(real), 1.0), bce(critic(fake), 0.0)
    gradients = torch.autograd.grad(real_loss + fake_loss, list(critic.parameters()))
    for parameter, gradient in zip(critic.parameters(), gradients):
        parameter.grad = gradient
    optimiser.step()
    optimiser.zero_grad(set_to_none=False)
    return (real_loss + fake_loss).detach()


def two_backwards(generator, critic, optimiser, real, noise):
    for parameter in critic.parameters():
        parameter.grad = None
    first = bce(critic(real), 1.0)
    first.backward()
    second = bce(critic(generator(noise).detach()), 0.0)
    second.backward()
    optimiser.step()
    generator.zero_grad()
    return first + second


@pytest.mark.parametrize("exercise", ["toy.critic_step", "toy.critic_step_by_adam", "toy.critic_step_by_rmsprop"])
@pytest.mark.parametrize("step", [critic_step, by_hand, two_backwards])
def test_a_right_step_keeps_everything_however_it_is_written(exercise: str, step: Callable[..., Any]) -> None:
    record = judge(step, exercise)
    assert texts(record) == {} and score(EXERCISES[exercise], record).earned == 10.0


def test_both_steps_of_a_gan() -> None:
    assert texts(judge(gan_step, "toy.gan_step")) == {}


def test_the_reference_agrees_with_an_oracle_that_moves_parameters_by_hand() -> None:
    exercise = EXERCISES["toy.critic_step"]
    for case in exercise.cases():
        inputs = case.inputs(SEEDS.case_seed(exercise.name, case.name))
        pairs = list(zip(reference_outputs(exercise, inputs), oracle_outputs(exercise, inputs) or (), strict=True))
        # one or two losses, 13 tensors of the generator, and of the critic: 6 + 6 parameters, 3 + 3 buffers.
        assert len(pairs) in (19, 20) and all(torch.allclose(a, b, atol=1e-12) for a, b in pairs)
    adam = EXERCISES["toy.critic_step_by_adam"]
    assert oracle_outputs(adam, adam.cases()[0].inputs(b"\x01" * 32)) is None


ZERO, STEP = "optimiser.zero_grad()\n", "optimiser.step()\n"
CLEAR = "the gradient that was there before the step went into it: clear it first"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((f"    {ZERO}", ""), f"(6 of its 6 parameters are wrong); {CLEAR}"),
        (
            ("(noise).detach()", "(noise)"),
            "generator: the .grad of inner.weight must be either what it was before or cleared after this step, and is neither",
        ),
        ((STEP, "optimiser.step(); optimiser.step()\n"), "WRONG_VALUE critic: change of inner.weight: max error"),
        ((ZERO, "optimiser.zero_grad(); critic.eval()\n"), "WRONG_VALUE critic: change of"),
        (("loss.backward()", "(-loss).backward()"), "your answer looks like a step that maximises"),
        (("loss.backward()", "(2 * loss).backward()"), "WRONG_VALUE critic: change of"),
        ((f"    {STEP}", ""), "; no parameter moved"),
        (
            (ZERO, "optimiser.param_groups[0]['lr'] *= 2; optimiser.zero_grad()\n"),
            "; the change of all parameters is twice what was expected",
        ),
        ((ZERO, "optimiser.param_groups[0]['weight_decay'] = 0.0; optimiser.zero_grad()\n"), "WRONG_VALUE critic: change of"),
        ((STEP, "optimiser.step(); critic(real)\n"), "WRONG_VALUE critic: change of norm.running_mean"),
        (
            (STEP, "optimiser.step(); generator.norm.momentum = 0.5; generator(noise)\n"),
            "WRONG_VALUE generator: change of norm.running_mean",
        ),
        ((ZERO, "generator.eval(); optimiser.zero_grad()\n"), "norm.running_mean did not move; was generator in evaluation mode, or"),
        ((STEP, "optimiser.step(); torch.nn.init.zeros_(generator.outer.bias)\n"), "outer.bias of generator changed; this step must leave"),
        ((STEP, "optimiser.step(); optimiser.state.clear()\n"), "optimiser has lost its momentum_buffer of critic.inner.weight; step with"),
        (
            (ZERO, "critic.new = torch.nn.Parameter(torch.ones(2)); optimiser.zero_grad()\n"),
            "WRONG_TYPE critic has 1 parameters or buffers more",
        ),
        ((STEP, "optimiser.step(); critic.outer.bias = None\n"), "WRONG_TYPE critic no longer has outer.bias; a step changes values, not"),
        ((STEP, "optimiser.step(); critic.double()\n"), "WRONG_DTYPE critic.inner.weight: answer has dtype float64, expected float32"),
        ((STEP, "optimiser.step(); critic.outer.bias.data = torch.ones(3)\n"), "WRONG_SHAPE critic.outer.bias: answer has shape [3]"),
        ((STEP, "optimiser.step(); critic.outer.bias.data *= float('nan')\n"), "NOT_FINITE critic.outer.bias: 1 of 1 elements"),
        (("return loss.detach()", "return loss.item()"), "WRONG_TYPE the answer must be a torch.Tensor"),
        (("return loss.detach()", "return None"), "WRONG_TYPE 0 values were returned, expected 1"),
        ((ZERO, "raise NotImplementedError\n"), "NOT_ATTEMPTED not written yet"),
    ],
    ids=lambda value: value[1].strip()[:40] if isinstance(value, tuple) else "",
)
def test_a_wrong_step_loses_and_is_told_why(change: tuple[str, str], said: str) -> None:
    record = judge(edited(critic_step, change))
    found = texts(record)
    assert {"one step", "hidden step", "hidden steps"} <= set(found)
    assert said in found["one step"], found["one step"]
    assert score(EXERCISES["toy.critic_step"], record).earned < 5.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("bce(critic(fake), 1.0)", "bce(critic(fake.detach()), 1.0)"), "generator: change of inner.weight: max error"),
        (("    by_generator.zero_grad()\n", ""), "WRONG_VALUE generator: change of"),
        (
            ("    by_critic.zero_grad()\n    return", "    return"),
            "critic: the .grad of inner.weight must be cleared after this step, and is not",
        ),
        (
            ("by_generator.step()\n", "by_generator.step(); by_generator.zero_grad()\n"),
            "the .grad of inner.weight left behind: there is none",
        ),
        (("bce(critic(fake), 1.0)", "bce(critic(generator(noise)), 1.0)"), "WRONG_VALUE generator: change of norm.running_mean"),
        (("by_generator.step()", "by_critic.step()"), "WRONG_VALUE generator: change of"),
        (("by_generator.step()", "by_generator.step(); by_generator.step()"), "WRONG_VALUE generator: change of"),
    ],
    ids=["gradient cut", "no zeroing", "left over", "thrown away", "batch drawn again", "wrong net", "twice"],
)
def test_mistakes_between_two_nets(change: tuple[str, str], said: str) -> None:
    found = texts(judge(edited(gan_step, change), "toy.gan_step"))
    assert len(found) == 6 and said in found["one step"], found["one step"]


def test_a_stale_critic_is_a_step_of_its_own() -> None:
    late = edited(gan_step, ("    by_critic.step()\n", ""), ("by_generator.step()\n", "by_generator.step(); by_critic.step()\n"))
    assert len(texts(judge(late, "toy.gan_step"))) == 6


def test_a_mode_left_behind_is_observed_and_shows_in_the_next_step() -> None:
    record = judge(edited(critic_step, (STEP, "optimiser.step(); critic.eval()\n")))
    assert set(texts(record)) == {"two steps in a row", "hidden steps"}
    assert record.observed.switched and score(EXERCISES["toy.critic_step"], record).observed == 0.0
    frozen = judge(edited(critic_step, (ZERO, "generator.requires_grad_(False); optimiser.zero_grad()\n")))
    scored = score(EXERCISES["toy.critic_step"], frozen)
    assert (scored.proven, scored.observed, scored.verdict) == (9.0, 0.0, Verdict.MUTATED_INPUT)
    assert not judge(critic_step).observed.switched


def test_a_step_over_the_socket(judge: Judge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seeds: SeedSource) -> None:
    (tmp_path / "steps").mkdir()
    with Judge(EXERCISES, seeds, tmp_path / "steps", 10.0) as served:
        monkeypatch.setenv(JUDGE_VARIABLE, str(served.path))
        served.open("toy.critic_step")
        with beside(functools.partial(check_graded, "toy.critic_step", critic_step, {})) as said:
            pass
        record = served.close()
    assert said == ["toy.critic_step: recorded."]
    assert texts(record) == {}


def test_at_home_the_recorded_steps_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assignment = Assignment(
        tmp_path, "t1_steps", "Steps", None, 0.0, ("steps",), 30.0, exercises={"toy.critic_step": EXERCISES["toy.critic_step"]}
    )
    path = tmp_path / "cases.h5"
    record_cases(assignment, path)
    monkeypatch.setenv(CASES_VARIABLE, str(path))
    assert check_at_home("toy.critic_step", critic_step, {}).ok
    wrong = check_at_home("toy.critic_step", edited(critic_step, (f"    {ZERO}", "")), {})
    assert wrong.passed == 0 and wrong.rows[0].text.endswith(CLEAR)
    left = check_at_home("toy.critic_step", edited(critic_step, (STEP, "optimiser.step(); critic.eval()\n")), {})
    assert left.rows[0].verdict is Verdict.MUTATED_INPUT
    assert left.rows[0].text == "leaves critic in another mode than it found it (train or eval, or requires_grad of its parameters)"
