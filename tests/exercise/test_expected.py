"""What a case expects: the reference in float64 and its vector-Jacobian products, held against finite differences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from toy_exercises import Head, SquareSum, noise

from autograder.exercise.case import Case, Inputs
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import Expected, expect, oracle_outputs, reference_outputs

SEED, OTHER = b"\x03" * 32, b"\x04" * 32


def exercise(reference: Any) -> Exercise:
    """A function exercise with another reference."""
    return type("Toy", (SquareSum,), {"reference": staticmethod(reference)})()


def expected(reference: Any, case: Case) -> tuple[Expected, Inputs]:
    inputs = case.inputs(SEED)
    return expect(exercise(reference), case, inputs, OTHER), inputs


def slope(function: Any, place: Tensor, step: float = 1e-5) -> Tensor:
    """Central differences of a scalar function."""
    found = torch.zeros_like(place)
    for index in range(place.numel()):
        moved = torch.zeros_like(place)
        moved.view(-1)[index] = step
        found.view(-1)[index] = (function(place + moved) - function(place - moved)) / (2 * step)
    return found


def test_the_value_is_the_reference_in_float64() -> None:
    wanted, inputs = expected(lambda x: x.exp(), Case("c", "value", noise(3, 4)))
    assert wanted.cotangents is None and wanted.raises is None and wanted.targets.keys() == {"out.0"}
    target = wanted.targets["out.0"]
    assert torch.equal(target.value, inputs.args[0].exp()) and target.value.dtype is torch.float64
    assert target.dtype is torch.float32


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_answer_must_have_the_cases_dtype(dtype: str) -> None:
    wanted, _ = expected(lambda x: 2 * x, Case("c", "dtype", noise(3), dtype=dtype))
    assert wanted.targets["out.0"].dtype is getattr(torch, dtype)


def test_whole_numbers_and_booleans_keep_theirs_and_have_no_tolerance() -> None:
    wanted, inputs = expected(lambda x: (x.argsort(), x > 0), Case("c", "value", noise(7)))
    order, positive = wanted.targets["out.0"], wanted.targets["out.1"]
    assert (order.dtype, order.atol, order.bias) == (torch.int64, 0.0, 0.0)
    assert positive.dtype is torch.bool and torch.equal(positive.value, inputs.args[0] > 0)


def two_inputs(draw: Any) -> Inputs:
    return Inputs((draw.normal(3, 4), draw.integers(0, 4, 3), draw.normal(4)), {"scale": draw.number(1, 2)})


def mixed(x: Tensor, index: Tensor, bias: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
    picked = x[torch.arange(3), index]
    return torch.sin(x).sum(0) * bias + scale * bias**2, picked.exp()


@pytest.mark.parametrize("wrt", [None, (0,), (2,)], ids=str)
def test_gradients_are_vector_jacobian_products(wrt: tuple[int, ...] | None) -> None:
    case = Case("c", "gradient", two_inputs, wrt=wrt)
    wanted, inputs = expected(mixed, case)
    assert wanted.cotangents is not None and [cot.shape for cot in wanted.cotangents] == [(4,), (3,)]
    positions = (0, 2) if wrt is None else wrt
    assert {name for name in wanted.targets if name.startswith("grad")} == {f"grad.{i}" for i in positions}
    for position in positions:

        def weighted(place: Tensor, position: int = position) -> Tensor:
            args = list(inputs.args)
            args[position] = place
            outputs = mixed(*args, scale=inputs.kwargs["scale"])
            return sum((out * cot).sum() for out, cot in zip(outputs, wanted.cotangents))

        numeric = slope(weighted, inputs.args[position])
        assert torch.allclose(wanted.targets[f"grad.{position}"].value, numeric, rtol=1e-6, atol=1e-8)


def test_gradients_of_weights_are_taken_where_asked() -> None:
    head = Head()
    case = head.cases()[2]
    inputs = case.inputs(SEED)
    wanted = expect(head, case, inputs, OTHER)
    assert wanted.targets.keys() == {"out.0", "grad.0", "gradw.linear.weight", "gradw.linear.bias"}
    (cotangent,) = wanted.cotangents
    assert torch.allclose(wanted.targets["gradw.linear.weight"].value, cotangent.T @ inputs.args[0])
    assert torch.allclose(wanted.targets["gradw.linear.bias"].value, cotangent.sum(0))
    only_value = expect(head, head.cases()[0], inputs, OTHER)
    assert only_value.targets.keys() == {"out.0"} and only_value.cotangents is None


def test_cotangents_are_generic_rounded_and_from_their_own_seed() -> None:
    wanted, inputs = expected(lambda x: x * 2, Case("c", "gradient", noise(50)))
    (cotangent,) = wanted.cotangents
    assert torch.equal(cotangent, cotangent.float().double()) and len(set(cotangent.tolist())) == 50
    assert not torch.allclose(cotangent, inputs.args[0], atol=0.1)
    again = expect(exercise(lambda x: x * 2), Case("c", "gradient", noise(50)), inputs, OTHER)
    assert torch.equal(again.cotangents[0], cotangent)
    assert not torch.equal(expect(exercise(lambda x: x * 2), Case("c", "gradient", noise(50)), inputs, SEED).cotangents[0], cotangent)


def test_outputs_without_gradient_are_skipped_and_zeros_are_expected_where_none_flows() -> None:
    wanted, _ = expected(lambda x: (x.argsort(), x.detach() * 2), Case("c", "gradient", noise(5)))
    assert torch.equal(wanted.targets["grad.0"].value, torch.zeros(5).double())
    half, _ = expected(lambda x: (x.argsort(), x * 3), Case("c", "gradient", noise(5)))
    assert torch.allclose(half.targets["grad.0"].value, 3 * half.cotangents[1])


def test_an_input_that_is_not_used_has_gradient_zero() -> None:
    wanted, _ = expected(lambda x, y: x * 2, Case("c", "gradient", lambda draw: (draw.normal(3), draw.normal(3))))
    assert torch.equal(wanted.targets["grad.1"].value, torch.zeros(3).double())


def test_a_call_that_must_raise_expects_nothing_else() -> None:
    def never(x: Tensor) -> Tensor:
        raise AssertionError("the reference is not run")

    wanted, _ = expected(never, Case("c", "edge", noise(3), raises="ValueError"))
    assert wanted == Expected({}, None, "ValueError")


def test_a_reference_that_works_in_place_spoils_nothing() -> None:
    def careless(x: Tensor) -> Tensor:
        x *= 2
        return x + 1

    wanted, inputs = expected(careless, Case("c", "value", noise(4)))
    assert torch.equal(inputs.args[0], Case("c", "value", noise(4)).inputs(SEED).args[0])
    assert torch.equal(wanted.targets["out.0"].value, 2 * inputs.args[0] + 1)
    # the runs that measure the error saw fresh inputs as well, or the tolerance would be as large as the answer.
    assert wanted.targets["out.0"].atol < 1e-4


def test_a_reference_must_return_tensors() -> None:
    for wrong in (lambda x: 3.0, lambda x: (), lambda x: (x, None), lambda x: None):
        with pytest.raises(TypeError, match="a reference must return a tensor or a tuple of tensors"):
            expected(wrong, Case("c", "value", noise(3)))


def test_a_list_of_outputs_counts_as_a_tuple() -> None:
    wanted, _ = expected(lambda x: [x, 2 * x], Case("c", "value", noise(3)))
    assert wanted.targets.keys() == {"out.0", "out.1"}


def test_everything_repeats_bit_by_bit() -> None:
    case = Case("c", "gradient", noise(3, 4))
    first, second = expected(lambda x: x.exp().sum(0), case)[0], expected(lambda x: x.exp().sum(0), case)[0]
    for name, target in first.targets.items():
        other = second.targets[name]
        assert torch.equal(target.value, other.value) and (target.atol, target.bias) == (other.atol, other.bias)


def test_reference_and_oracle_are_run_on_the_same_inputs() -> None:
    inputs = Case("c", "value", noise(3, 5)).inputs(SEED)
    (value,) = reference_outputs(SquareSum(), inputs)
    (independent,) = oracle_outputs(SquareSum(), inputs)
    assert torch.allclose(value, independent, rtol=1e-12) and value.dtype is torch.float64
    assert oracle_outputs(Head(), Head().cases()[0].inputs(SEED)) is None
