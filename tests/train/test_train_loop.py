"""The loop is the loop that a notebook writes out, and says what goes wrong."""

from __future__ import annotations

import doctest
import importlib
import math
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from small_runs import Batch, adam, crashing_at, line_batches, net, squared, weights_equal
from torch import nn

from vislab.check.budget import JUDGE_VARIABLE
from vislab.train import NonFiniteNumber, fit

MODULES = ("checkpoint", "early_stop", "history", "loop", "precision", "progress", "seeds", "state", "stream")


@pytest.fixture(autouse=True)
def no_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JUDGE_VARIABLE, raising=False)


def run(model: nn.Module, **more: Any) -> Any:
    return fit(model, **({"batches": line_batches(), "loss": squared, "optimizer": adam(model), "steps": 12} | more))


def test_it_is_the_plain_loop_bit_for_bit() -> None:
    ours, plain = net(), net()
    torch.manual_seed(3)
    history = run(ours, clip_norm=0.5)
    torch.manual_seed(3)
    optimizer, losses = adam(plain), []
    for step in range(12):
        batch = line_batches()[step % 5]
        plain.train()
        optimizer.zero_grad()
        loss = squared(plain, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
    assert history.losses == losses and weights_equal(ours, plain)
    assert (history.steps, history.stopped, history.validations) == (12, "steps", [])


def test_other_batches_make_another_model() -> None:
    ours, other = net(), net()
    run(ours, seed=0)
    run(other, seed=0, batches=line_batches()[::-1])
    assert not weights_equal(ours, other)


def test_the_model_trains_in_steps_and_is_evaluated_in_validations() -> None:
    model, seen = net(), []
    model[3].register_forward_hook(lambda module, *_: seen.append((module.training, torch.is_grad_enabled())))
    model.eval()
    run(model, steps=4, validate=lambda m: squared(m, line_batches()[0]).item(), validate_every=2)
    train, evaluate = (True, True), (False, False)
    assert seen == [train, train, evaluate, train, train, evaluate]
    assert not any(module.training for module in model.modules()), "the model is left as it was found"


def test_a_validation_that_forgets_the_mode_does_no_harm() -> None:
    model, seen = net(), []
    model[3].register_forward_hook(lambda module, *_: seen.append(module.training))

    def careless(m: nn.Module, batch: Batch) -> torch.Tensor:
        value = squared(m, batch)
        m.eval()
        return value

    run(model, steps=3, loss=careless, validate=lambda m: float(m.train() is None), validate_every=1)
    assert seen == [True] * 3


def test_modes_are_put_back_module_by_module_even_after_an_error() -> None:
    model = net()
    model[1].eval()
    with pytest.raises(ZeroDivisionError):
        run(model, loss=crashing_at(2, error=ZeroDivisionError))
    assert [module.training for module in model] == [True, False, True, True, True]


def test_a_seed_repeats_the_run_and_leaves_the_generator_alone() -> None:
    runs, states = [], []
    for stir in (0, 1):
        torch.manual_seed(stir)
        before = torch.get_rng_state()
        runs.append(run(net(), seed=4).losses)
        states.append(torch.equal(before, torch.get_rng_state()))
    assert runs[0] == runs[1] and states == [True, True]
    assert run(net(), seed=5).losses != runs[0]


def test_without_a_seed_the_generator_is_drawn_from_as_it_stands() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = run(net()).losses
    assert not torch.equal(before, torch.get_rng_state()) and run(net()).losses != first


def test_while_graded_the_run_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JUDGE_VARIABLE, "/run/judge/judge.sock")
    # validated all the same, so that later cells find a number.
    history = run(net(), steps=500, validate=lambda m: 1.0)
    assert history.steps == 2 and history.validations == [(2, 1.0)] and history.stopped == "steps"
    assert run(net(), steps=500, graded_steps=7).steps == 7


@pytest.mark.parametrize(("step", "value"), [(1, math.nan), (4, math.inf)])
def test_a_loss_that_is_no_number_stops_before_the_step(step: int, value: float) -> None:
    model, asked = net(), []

    def broken(m: nn.Module, batch: Batch) -> torch.Tensor:
        asked.append({name: weight.clone() for name, weight in m.named_parameters()})
        return squared(m, batch) * (value if len(asked) == step else 1.0)

    with pytest.raises(
        NonFiniteNumber, match=rf"loss {value} at step {step} must be a finite number.*lower the learning rate \(now 0.05\)"
    ) as caught:
        run(model, loss=broken)
    assert (caught.value.step, caught.value.history.steps, caught.value.history.stopped) == (step, step - 1, "")
    assert all(torch.equal(asked[-1][name], weight) for name, weight in model.named_parameters()), "no step is taken on such a loss"
    assert isinstance(caught.value, FloatingPointError)
    if step > 1:
        assert f"at step {step - 1} the loss was {caught.value.history.losses[-1]:.4g}" in str(caught.value)


def test_a_gradient_that_is_no_number_is_told_from_a_large_rate() -> None:
    def rooted(m: nn.Module, batch: Batch) -> torch.Tensor:
        # the slope of the root at 0 is infinite, and 0 times infinity is NaN.
        return squared(m, batch) + (m[4].bias * 0).sum().abs().sqrt()

    with pytest.raises(NonFiniteNumber, match=r"loss nan at step 2.*the weight 4.bias is no longer finite since the step before"):
        run(net(), loss=rooted)


def test_a_validation_that_is_no_number_stops_too() -> None:
    with pytest.raises(NonFiniteNumber, match="validation nan at step 3 must be a finite number"):
        run(net(), validate=lambda m: math.nan, validate_every=3)


def test_early_stop_waits_and_gives_the_best_weights() -> None:
    model, numbers, weights = net(), iter([3.0, 2.0, 2.0, 2.5, 1.0]), []

    def validate(m: nn.Module) -> float:
        weights.append({name: value.clone() for name, value in m.state_dict().items()})
        return next(numbers)

    history = run(model, steps=50, validate=validate, validate_every=2, patience=2)
    # 2.0 again is no better, so the patience of two ends at the fourth validation and 1.0 is never seen.
    assert history.validations == [(2, 3.0), (4, 2.0), (6, 2.0), (8, 2.5)] and history.stopped == "early stop" and history.steps == 8
    assert (history.best_step, history.best_value) == (4, 2.0)
    assert all(torch.equal(weights[1][name], value) for name, value in model.state_dict().items())
    assert not all(torch.equal(weights[-1][name], value) for name, value in model.state_dict().items())


def test_higher_can_be_better_and_without_patience_the_last_weights_stay() -> None:
    numbers = iter([0.5, 0.7, 0.6])
    history = run(net(), steps=3, validate=lambda m: next(numbers), validate_every=1, higher_is_better=True)
    assert (history.best_step, history.best_value, history.stopped) == (2, 0.7, "steps")
    plain, validated = net(), net()
    run(plain, seed=0)
    falling = iter(range(100))
    run(validated, seed=0, validate=lambda m: next(falling), validate_every=1)
    assert weights_equal(plain, validated), "a validation changes nothing"


def test_clipping_bounds_a_step() -> None:
    def moved(clip_norm: float | None) -> float:
        model = net(dropout=0.0)
        before = torch.cat([weight.detach().flatten().clone() for weight in model.parameters()])
        run(
            model,
            optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
            steps=1,
            clip_norm=clip_norm,
            loss=lambda m, b: 100 * squared(m, b),
        )
        return float((torch.cat([weight.detach().flatten() for weight in model.parameters()]) - before).norm())

    assert moved(0.1) == pytest.approx(0.1, rel=1e-4) and moved(None) > 10


def test_a_scheduler_is_stepped_once_a_step() -> None:
    model = net()
    optimizer = adam(model)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.1)
    run(model, optimizer=optimizer, scheduler=scheduler)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05 * 1e-3)


def test_half_precision_is_used_when_asked_for_on_a_cpu() -> None:
    kinds = {}
    for precision in ("auto", "float32", "bfloat16"):
        model, seen = net(), []
        model[0].register_forward_hook(lambda module, inputs, output, seen=seen: seen.append(output.dtype))
        history = run(model, precision=precision, steps=30, seed=0)
        kinds[precision] = set(seen)
        assert model[0].weight.dtype == torch.float32 and history.losses[-1] < history.losses[0]
    assert kinds == {"auto": {torch.float32}, "float32": {torch.float32}, "bfloat16": {torch.bfloat16}}


@pytest.mark.needs_cuda
def test_on_a_gpu_the_forward_pass_is_in_half_precision() -> None:
    for precision in ("auto", "float16"):
        model, seen = net().cuda(), []
        model[0].register_forward_hook(lambda module, inputs, output, seen=seen: seen.append(output.dtype))
        history = run(model, precision=precision, steps=30, seed=0, clip_norm=1.0)
        assert seen[0] in (torch.bfloat16, torch.float16) and history.losses[-1] < history.losses[0]


def test_an_interrupt_keeps_what_there_is() -> None:
    history = run(net(), loss=crashing_at(8, error=KeyboardInterrupt), validate=lambda m: 1.0, validate_every=3)
    assert history.steps == 7 and history.stopped == "interrupted" and history.validations == [(3, 1.0), (6, 1.0)]


def test_the_judges_interrupt_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JUDGE_VARIABLE, "/run/judge/judge.sock")
    with pytest.raises(KeyboardInterrupt):
        run(net(), loss=crashing_at(2, error=KeyboardInterrupt))


def test_batches_may_hold_more_than_tensors() -> None:
    named = [batch | {"name": "a"} for batch in line_batches()]
    seen = []
    run(net(), batches=named, steps=1, loss=lambda m, b: (seen.append(b["name"]), squared(m, b))[1])
    assert seen == ["a"]


class NotAModule:
    pass


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"batches": []}, ValueError, "batches is empty: a pass over it gave 0 batches"),
        ({"batches": iter(line_batches())}, ValueError, "batches ran out after 5 batches and cannot be iterated again; pass a list"),
        ({"batches": line_batches()[0]}, TypeError, r"batches is dict.*put one batch into a list: \[batch\]"),
        ({"batches": 3}, TypeError, "batches is int"),
        ({"batches": [(1, 2)]}, TypeError, "a batch is tuple; it must be a dict of tensors"),
        (
            {"loss": lambda m, b: squared(m, b).item()},
            TypeError,
            r"loss returned float; it must return a tensor of one number; leave out .item\(\)",
        ),
        ({"loss": lambda m, b: m(b["x"])}, ValueError, r"loss returned torch.float32 of shape \(4, 1\); it must be one floating number"),
        ({"loss": lambda m, b: squared(m, b).detach()}, ValueError, "loss returned a number without a gradient"),
        ({"steps": 0}, ValueError, "full 0 must be at least 1"),
        ({"validate_every": 0}, ValueError, "validate_every 0 must be at least 1"),
        ({"checkpoint_every": -1}, ValueError, "checkpoint_every -1 must be at least 1"),
        ({"clip_norm": math.nan}, ValueError, "clip_norm nan must be above 0"),
        ({"patience": 0, "validate": lambda m: 1.0}, ValueError, "patience 0 must be at least 1"),
        ({"patience": 3}, ValueError, "patience 3 needs a validation to wait for"),
        ({"resume": True}, ValueError, "resume True needs a file to go on from"),
        ({"precision": "half"}, ValueError, "precision 'half' must be one of 'auto', 'float32', 'bfloat16', 'float16'"),
        ({"precision": "float16"}, ValueError, "precision 'float16' on cpu must be one of 'float32', 'bfloat16'; 'auto' chooses"),
        ({"seed": -1}, ValueError, "seed -1 must lie in 0..4294967295"),
        ({"seed": 1.5}, TypeError, "seed is float; it must be a whole number"),
        ({"optimizer": 0.1}, TypeError, "optimizer is float; it must be one of torch.optim"),
        ({"optimizer": adam(net())}, ValueError, "optimizer updates none of the model's weights; build it after the model"),
    ],
    ids=lambda value: value if isinstance(value, str) else ", ".join(value) if isinstance(value, dict) else value.__name__,
)
def test_what_cannot_be_trained_is_refused(more: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        run(net(), **more)


def test_a_class_is_no_model() -> None:
    with pytest.raises(TypeError, match=r"model is type; it must be a torch.nn.Module, built: Net\(\) rather than Net"):
        fit(nn.Linear, [], squared, optimizer=adam(net()), steps=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"vislab.train.{name}"), extraglobs={"torch": torch, "nn": nn})
    plt.close("all")
    assert result.failed == 0


def test_the_example_of_the_docs_runs(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # the graded length, since the documented one is a person's.
    monkeypatch.setenv(JUDGE_VARIABLE, "/run/judge/judge.sock")
    (code,) = re.findall(r"```python\n(.*?)```", (root / "docs" / "show_and_train.md").read_text(), re.DOTALL)
    loader = [{"img": torch.rand(4, 1, 28, 28), "label": torch.arange(4)}]
    names = {"torch": torch, "nn": nn, "F": nn.functional, "loader": loader, "held_out": loader, "error_rate": lambda model, data: 0.5}
    exec(code, names)
    assert names["history"].steps == 2 and (tmp_path / "run.safetensors").is_file()  # type: ignore[attr-defined]
    plt.close("all")
