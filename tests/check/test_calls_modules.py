"""Module probe: strict names, given weights, the case's dtype, the training flag, and gradients of weights and inputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from call_plans import module_plan
from torch import Tensor, nn

from vislab.check.calls import Answer, carry_out
from vislab.check.failures import CallFailed, StateDictMismatch, WrongKind, failure_class

X = torch.tensor([[1.0, 2.0], [3.0, -4.0], [0.5, 6.0]])
WEIGHTS = {"linear.weight": torch.tensor([[1.0, -2.0], [0.5, 3.0], [2.0, 2.0]]), "linear.bias": torch.tensor([0.1, 0.2, 0.3])}
RIGHT = X @ WEIGHTS["linear.weight"].T + WEIGHTS["linear.bias"]


class Head(nn.Module):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inner, outer)

    def forward(self, x: Tensor) -> Any:
        return self.linear(x)


def run(answer: Any, x: Tensor = X, weights: dict[str, Tensor] = WEIGHTS, **more: Any) -> Answer:
    plan, tensors = module_plan(x, weights, {"inner": 2, "outer": 3}, **more)
    return carry_out(plan, tensors, answer, {})


def failed(answer: Any, **more: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        run(answer, **more)
    assert caught.value.stage == "construct"
    return caught.value


def test_the_given_weights_decide_and_the_modules_own_do_not() -> None:
    for seed in (0, 1):
        torch.manual_seed(seed)
        assert torch.equal(run(Head).tensors["out.0"], RIGHT)


def test_building_a_module_is_no_draw() -> None:
    assert run(Head).observed["rng_moved"] is False


class DrawsInForward(Head):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + 0 * torch.rand(3)


def test_a_draw_in_the_forward_pass_is_one() -> None:
    assert run(DrawsInForward).observed["rng_moved"] is True


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_weights_keep_every_digit_of_the_cases_dtype(dtype: torch.dtype) -> None:
    seen = []

    class Keeps(Head):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(self.linear.weight.detach().clone())
            return super().forward(x)

    weights = {name: (value.double() + 1e-9).to(dtype) for name, value in WEIGHTS.items()}
    result = run(Keeps, X.to(dtype), weights)
    assert result.tensors["out.0"].dtype is dtype
    assert torch.equal(seen[0], weights["linear.weight"])


class RightNameWrongSize(Head):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__(inner, outer + 1)


class OtherName(nn.Module):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.lin = nn.Linear(inner, outer)


class NoBias(nn.Module):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inner, outer, bias=False)


class OneMore(Head):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__(inner, outer)
        self.extra = nn.Parameter(torch.zeros(1))


class OneMoreBuffer(Head):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__(inner, outer)
        self.register_buffer("extra", torch.zeros(1))


@pytest.mark.parametrize(
    ("answer", "differs"),
    [
        (RightNameWrongSize, "linear.weight is [4, 2] and must be [3, 2], linear.bias is [4] and must be [3]"),
        (OtherName, "linear.weight [3, 2] is missing, linear.bias [3] is missing, lin.weight is not asked for, lin.bias is not asked for"),
        (NoBias, "linear.bias [3] is missing"),
        (OneMore, "extra is not asked for"),
        (OneMoreBuffer, "extra is not asked for"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_other_names_or_shapes_of_parameters_are_refused(answer: type[nn.Module], differs: str) -> None:
    error = failed(answer).original
    assert isinstance(error, StateDictMismatch)
    # what differs, and nothing of what agrees: a table at home has room for one line.
    assert str(error) == f"{differs}; name and size the layers as the exercise says"


def test_a_module_may_keep_what_is_no_state() -> None:
    class WithScratch(Head):
        def __init__(self, inner: int, outer: int) -> None:
            super().__init__(inner, outer)
            self.register_buffer("scratch", torch.zeros(1), persistent=False)

    assert torch.equal(run(WithScratch).tensors["out.0"], RIGHT)


@pytest.mark.parametrize("answer", [Head(2, 3), lambda inner, outer: Head(inner, outer), int, None, nn.Linear(2, 3)])
def test_anything_but_a_module_class_is_of_the_wrong_kind(answer: Any) -> None:
    error = failed(answer).original
    assert isinstance(error, WrongKind)
    assert str(error) == f"hand in the nn.Module class itself, not {type(answer).__name__}"
    assert failure_class(error) == "WrongKind"


class StubInit(nn.Module):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        raise NotImplementedError


def test_a_stub_in_the_constructor_is_not_written_yet() -> None:
    assert failure_class(failed(StubInit).original) == "NotImplementedError"


def test_a_constructor_with_other_arguments_fails_while_it_is_built() -> None:
    class Other(nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()

    assert isinstance(failed(Other).original, TypeError)


@pytest.mark.parametrize("training", [False, True])
def test_the_training_flag_is_set_whatever_the_constructor_did(training: bool) -> None:
    flags = []

    class Flagged(Head):
        def __init__(self, inner: int, outer: int) -> None:
            super().__init__(inner, outer)
            self.train(not training)

        def forward(self, x: Tensor) -> Tensor:
            flags.append((self.training, self.linear.training))
            return super().forward(x)

    run(Flagged, training=training)
    assert flags == [(training, training)]


def test_buffers_of_whole_numbers_are_given_too() -> None:
    class Normed(nn.Module):
        def __init__(self, inner: int, outer: int) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(inner)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(x) + self.norm.num_batches_tracked

    weights = {
        "norm.weight": torch.tensor([2.0, 3.0]),
        "norm.bias": torch.tensor([0.5, -1.0]),
        "norm.running_mean": torch.tensor([1.0, 2.0]),
        "norm.running_var": torch.tensor([4.0, 9.0]),
        "norm.num_batches_tracked": torch.tensor(7),
    }
    # float64 for the floating ones, and the counter stays a whole number.
    wide = {name: value.double() if value.is_floating_point() else value for name, value in weights.items()}
    spread = (wide["norm.running_var"] + 1e-5).sqrt()
    # one element is almost zero: in float32 its last digits depend on the processor.
    right = (X.double() - wide["norm.running_mean"]) / spread * wide["norm.weight"] + wide["norm.bias"] + 7
    assert torch.allclose(run(Normed, weights=weights).tensors["out.0"], right.float(), atol=1e-5)
    assert torch.allclose(run(Normed, X.double(), wide).tensors["out.0"], right)


COT = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])


def test_gradients_of_weights_and_inputs_are_taken() -> None:
    result = run(Head, cotangents=(COT,), wrt=(0,), wrt_weights=True)
    assert torch.equal(result.tensors["grad.0"], COT @ WEIGHTS["linear.weight"])
    assert torch.equal(result.tensors["gradw.linear.weight"], COT.T @ X)
    assert torch.equal(result.tensors["gradw.linear.bias"], COT.sum(0))
    assert result.gradients == [{"of": name, "kind": "tensor"} for name in (0, "linear.weight", "linear.bias")]


def test_gradients_of_weights_are_taken_only_where_asked() -> None:
    result = run(Head, cotangents=(COT,), wrt=(0,))
    assert [said["of"] for said in result.gradients] == [0]
    only_weights = run(Head, cotangents=(COT,), wrt_weights=True)
    assert [said["of"] for said in only_weights.gradients] == ["linear.weight", "linear.bias"]


class Frozen(Head):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__(inner, outer)
        self.linear.weight.requires_grad_(False)


class Detached(Head):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.linear.weight.detach(), self.linear.bias)


class AsBuffer(nn.Module):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.linear = nn.Module()
        self.linear.register_buffer("weight", torch.zeros(outer, inner))
        self.linear.bias = nn.Parameter(torch.zeros(outer))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.linear.weight, self.linear.bias)


@pytest.mark.parametrize("answer", [Frozen, Detached, AsBuffer], ids=lambda c: c.__name__)
def test_a_weight_that_learns_nothing_has_no_gradient(answer: type[nn.Module]) -> None:
    result = run(answer, cotangents=(COT,), wrt=(0,), wrt_weights=True)
    assert torch.equal(result.tensors["out.0"], RIGHT)
    assert "gradw.linear.weight" not in result.tensors
    assert torch.equal(result.tensors["gradw.linear.bias"], COT.sum(0)) and "grad.0" in result.tensors


def test_given_weights_are_not_changed_by_the_module() -> None:
    class Spoils(Head):
        def forward(self, x: Tensor) -> Tensor:
            out = self.linear(x)
            with torch.no_grad():
                self.linear.weight.zero_()
            return out

    weights = {name: value.clone() for name, value in WEIGHTS.items()}
    run(Spoils, weights=weights)
    assert all(torch.equal(weights[name], WEIGHTS[name]) for name in WEIGHTS)
