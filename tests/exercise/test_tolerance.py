"""The derived tolerance: honest rounding never fails, small wrong terms always do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from toy_exercises import SquareSum, noise

from autograder.exercise.case import Case, Inputs
from autograder.exercise.expected import Expected, expect
from autograder.exercise.tolerance import stated_bias
from vislab.check.compare import Target, compare
from vislab.check.verdict import Verdict

SEEDS = 20
Function = Callable[[Tensor], Tensor]


def seed(number: int) -> bytes:
    return hashlib.sha256(f"tolerance {number}".encode()).digest()


def expected(reference: Function, case: Case, number: int, **attributes: Any) -> tuple[Expected, Inputs]:
    exercise = type("Toy", (SquareSum,), {"reference": staticmethod(reference), **attributes})()
    inputs = case.inputs(seed(number))
    return expect(exercise, case, inputs, seed(number + 1000)), inputs


def standardise(x: Tensor) -> Tensor:
    return (x - x.mean()) / ((x - x.mean()) ** 2).mean().sqrt()


def log_softmax(x: Tensor) -> Tensor:
    shifted = x - x.max()
    return shifted - torch.log(torch.exp(shifted).sum())


def mean_square(x: Tensor) -> Tensor:
    return (x**2).mean((-1, -2))


def one_after_the_other(x: Tensor) -> Tensor:
    total = torch.zeros((), dtype=x.dtype)
    for value in x.flatten():
        total = total + value * value
    return (total / x.numel()).reshape(1)


PROBLEMS: dict[str, tuple[Function, Callable, dict[str, Function]]] = {
    "standardise": (
        standardise,
        noise(1, 3, 16, 17, mean=3.0),
        {
            "reciprocal": lambda x: (x - x.mean()) * (1 / ((x - x.mean()) ** 2).mean().sqrt()),
            "torch.std": lambda x: (x - x.mean()) / x.std(unbiased=False),
            "rsqrt": lambda x: (x - x.mean()) * ((x - x.mean()) ** 2).mean().rsqrt(),
            "moments": lambda x: (x - x.sum() * (1 / x.numel())) / ((x**2).mean() - x.mean() ** 2).sqrt(),
        },
    ),
    "log-softmax over many elements": (
        log_softmax,
        noise(64, 65, mean=20.0, std=2.0),
        {
            "built in": lambda x: torch.log_softmax(x.flatten(), 0).reshape(x.shape),
            # one rounded number moves every element alike.
            "logsumexp": lambda x: x - torch.logsumexp(x.flatten(), 0),
        },
    ),
    "rescale bytes": (
        lambda x: x / 255 * 2 - 1,
        lambda draw: (draw.integers(0, 256, 3, 32, 33).to(torch.float64),),
        {"one factor": lambda x: x * (2 / 255) - 1, "middle": lambda x: (x - 127.5) / 127.5, "half": lambda x: (x * (1 / 255) - 0.5) * 2},
    ),
    "divide by a constant": (lambda x: x / 7, lambda draw: (draw.uniform(1.0, 2.0, 64, 65),), {"reciprocal": lambda x: x * (1 / 7)}),
    "mean square of large maps": (
        mean_square,
        noise(2, 3, 64, 65),
        {
            "einsum": lambda x: torch.einsum("bcij,bcij->bc", x, x) / x[0, 0].numel(),
            "norm": lambda x: x.norm(dim=(-1, -2)) ** 2 / x[0, 0].numel(),
            "rows first": lambda x: (x * x).sum(-1).sum(-1) / x[0, 0].numel(),
            "matrix product": lambda x: (x.flatten(2)[..., None, :] @ x.flatten(2)[..., None])[..., 0, 0] / x[0, 0].numel(),
            "divided first": lambda x: (x * x / x[0, 0].numel()).sum((-1, -2)),
        },
    ),
    "mean square, number by number": (
        lambda x: (x * x).mean().reshape(1),
        noise(40, 41),
        {"loop": one_after_the_other, "reversed": lambda x: (x.flip(0, 1) * x.flip(0, 1)).mean().reshape(1)},
    ),
}
HALF = {name: problem for name, problem in PROBLEMS.items() if "number by number" not in name}


def finding(got: Tensor, target: Target) -> str:
    found = compare(got, target)
    return "" if found is None else found.text


@pytest.mark.parametrize("name", PROBLEMS)
def test_honest_float32_never_fails(name: str) -> None:
    reference, draw, variants = PROBLEMS[name]
    for number in range(SEEDS if "number by number" not in name else 5):
        wanted, inputs = expected(reference, Case("c", "value", draw), number)
        for how, variant in {"reference": reference, **variants}.items():
            text = finding(variant(inputs.args[0].float()), wanted.targets["out.0"])
            assert text == "", (how, number)


@pytest.mark.parametrize("name", HALF)
@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_honest_work_in_other_dtypes_never_fails(name: str, dtype: str) -> None:
    reference, draw, variants = PROBLEMS[name]
    for number in range(5):
        wanted, inputs = expected(reference, Case("c", "dtype", draw, dtype=dtype), number)
        for how, variant in {"reference": reference, **variants}.items():
            if dtype == "bfloat16" and how == "moments":
                # E[x²] - E[x]² leaves hardly a digit of bfloat16: that answer is not honest there.
                continue
            text = finding(variant(inputs.args[0].to(getattr(torch, dtype))), wanted.targets["out.0"])
            assert text == "", (how, number)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_wrong_terms_always_fail(name: str, dtype: str) -> None:
    reference, draw, _ = PROBLEMS[name]
    wrong: dict[str, Function] = {
        "a thousandth too large": lambda y: y * 1.001,
        "shifted by a thousandth": lambda y: y + 1e-3 * y.abs().max(),
        "one element off": lambda y: torch.cat([y.flatten()[:-1], y.flatten()[-1:] + 1e-3 * y.abs().max()]).reshape(y.shape),
    }
    for number in range(5):
        wanted, inputs = expected(reference, Case("c", "value", draw, dtype=dtype), number)
        right = reference(inputs.args[0]).to(getattr(torch, dtype))
        assert finding(right, wanted.targets["out.0"]) == ""
        for how, spoil in wrong.items():
            assert finding(spoil(right), wanted.targets["out.0"]) != "", how


def test_single_precision_fails_a_float64_case() -> None:
    for name, (reference, draw, _) in PROBLEMS.items():
        if name == "rescale bytes":
            continue
        wanted, inputs = expected(reference, Case("c", "dtype", draw, dtype="float64"), 0)
        assert finding(reference(inputs.args[0].float()).double(), wanted.targets["out.0"]) != "", name


@pytest.mark.parametrize("name", [name for name in PROBLEMS if "number by number" not in name and "mean square" not in name])
def test_a_constant_offset_inside_the_tolerance_fails(name: str) -> None:
    reference, draw, _ = PROBLEMS[name]
    for number in range(5):
        wanted, _ = expected(reference, Case("c", "value", draw), number)
        target = wanted.targets["out.0"]
        # half of the tolerance, in float64 so that adding it does not round it away.
        in_float64 = Target(target.value, torch.float64, target.atol, target.bias)
        found = compare(target.value + 0.5 * target.atol, in_float64)
        assert found is not None and found.verdict is Verdict.WRONG_VALUE and "too large" in found.text
        assert compare(target.value, in_float64) is None


def test_the_bias_bound_never_exceeds_the_tolerance_and_shrinks_with_the_number_of_elements() -> None:
    shares = []
    for count in (1, 16, 256, 4096):
        target = expected(lambda x: x.exp(), Case("c", "value", noise(count)), 0)[0].targets["out.0"]
        assert 0 < target.bias <= target.atol
        shares.append(target.bias / target.atol)
    assert shares == sorted(shares, reverse=True) and shares[0] == 1.0 and shares[-1] < 0.25


def gradient_problem(x: Tensor) -> Tensor:
    weights = torch.exp(x - x.amax((-1, -2), keepdim=True).detach())
    share = weights / weights.sum((-1, -2), keepdim=True)
    return (share * torch.arange(x.shape[-1], dtype=x.dtype)).sum((-1, -2))


GRADIENTS: dict[str, Function] = {
    "reference": gradient_problem,
    "divided at the end": lambda x: (
        (torch.exp(x - x.amax((-1, -2), keepdim=True)) * torch.arange(x.shape[-1], dtype=x.dtype)).sum((-1, -2))
        / torch.exp(x - x.amax((-1, -2), keepdim=True)).sum((-1, -2))
    ),
    "built in": lambda x: torch.softmax(x.flatten(-2), -1).reshape(x.shape).sum(-2) @ torch.arange(x.shape[-1], dtype=x.dtype),
    "log domain": lambda x: torch.einsum(
        "bhw,w->b", torch.exp(x - torch.logsumexp(x, (-1, -2), keepdim=True)), torch.arange(x.shape[-1], dtype=x.dtype)
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_honest_gradients_never_fail_and_wrong_ones_do(dtype: str) -> None:
    for number in range(SEEDS):
        wanted, inputs = expected(gradient_problem, Case("c", "gradient", noise(12, 11, 17, std=2.0), dtype=dtype), number)
        (cotangent,) = wanted.cotangents or ()
        for how, variant in GRADIENTS.items():
            leaf = inputs.args[0].to(getattr(torch, dtype)).requires_grad_()
            (grad,) = torch.autograd.grad(variant(leaf), leaf, cotangent.to(leaf.dtype))
            assert compare(grad, wanted.targets["grad.0"], gradient=True) is None, (how, number)
            found = compare(grad * 1.01, wanted.targets["grad.0"], gradient=True)
            assert found is not None and found.verdict is Verdict.WRONG_GRADIENT


def test_honest_work_keeps_a_distance_to_what_is_allowed() -> None:
    # cases are redrawn for every submission: what uses up the tolerance under twenty seeds exceeds it under thousands.
    gradient_share = 0.0
    for number in range(60):
        wanted, inputs = expected(gradient_problem, Case("c", "gradient", noise(12, 11, 17, std=2.0)), number)
        (cotangent,) = wanted.cotangents or ()
        for variant in GRADIENTS.values():
            leaf = inputs.args[0].float().requires_grad_()
            (grad,) = torch.autograd.grad(variant(leaf), leaf, cotangent.float())
            target = wanted.targets["grad.0"]
            gradient_share = max(gradient_share, float((grad.double() - target.value).abs().max()) / target.atol)
    assert 0.05 < gradient_share < 0.3
    lean_share = 0.0
    for number in range(6):
        # one rounded sum is subtracted from 90 300 elements: they lean together, and honestly.
        wanted, inputs = expected(log_softmax, Case("c", "value", noise(300, 301, mean=60.0, std=2.0)), number)
        x, target = inputs.args[0].float(), wanted.targets["out.0"]
        mean = float(((x - torch.logsumexp(x.flatten(), 0)).double() - target.value).mean())
        lean_share = max(lean_share, abs(mean) / target.bias)
    assert 0.05 < lean_share < 0.4


def test_a_lucky_draw_is_not_held_to_a_stricter_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    def shares() -> list[float]:
        case = Case("c", "gradient", lambda draw: (draw.normal(1, 6, 11, std=1.5) - 3000.0,))
        found = []
        for number in range(40):
            target = expected(gradient_problem, case, number)[0].targets["grad.0"]
            found.append(target.atol / float(target.value.abs().max()))
        return sorted(found)

    usual = shares()
    monkeypatch.setattr("autograder.exercise.expected.SISTERS", 0)
    alone = shares()
    # where the softmax has one clear winner, moved inputs move nothing: the draw alone would allow next to nothing.
    assert alone[0] < 0.5 * alone[20]
    assert usual[0] > 0.7 * usual[20] and usual[0] > 2 * alone[0]


def test_what_is_measured_once_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0

    def counted(x: Tensor) -> Tensor:
        nonlocal runs
        runs += 1
        return x * 2

    exercise = type("Counted", (SquareSum,), {"reference": staticmethod(counted)})()
    counts = []
    for number in range(3):
        # a new object of the same case, as every call of cases() makes one.
        case = Case("c", "value", noise(3))
        expect(exercise, case, case.inputs(seed(number)), seed(number + 1))
        counts.append(runs)
    first, second, third = counts[0], counts[1] - counts[0], counts[2] - counts[1]
    assert first == 4 * second and second == third


def test_a_stated_tolerance_replaces_the_derived_one() -> None:
    target = expected(lambda x: x.exp(), Case("c", "value", noise(9), atol=0.25), 0)[0].targets["out.0"]
    assert (target.atol, target.bias) == (0.25, 0.25)


def test_the_exercises_factor_scales_the_tolerance() -> None:
    case = Case("c", "value", noise(3, 50, mean=5.0))
    small, large = (expected(standardise, case, 0, tolerance_factor=factor)[0].targets["out.0"].atol for factor in (16.0, 160.0))
    assert 3 * small < large <= 10 * small


def test_an_overflow_of_the_reference_does_not_open_the_tolerance() -> None:
    # exp(300) is infinite in float32: the reference itself fails there, a wrong answer must fail all the same.
    def overflowing(x: Tensor) -> Tensor:
        return torch.log(torch.exp(x).sum(-1))

    case = Case("c", "stability", lambda draw: (draw.normal(3, 5) + torch.tensor([[300.0], [0.0], [1.0]], dtype=torch.float64),))
    wanted, inputs = expected(overflowing, case, 0)
    target = wanted.targets["out.0"]
    assert target.atol < 0.1
    assert compare(torch.logsumexp(inputs.args[0].float(), -1), target) is None
    assert compare(torch.logsumexp(inputs.args[0].float(), -1) + 0.5, target) is not None
    overflowed = compare(overflowing(inputs.args[0].float()), target)
    assert overflowed is not None and overflowed.verdict is Verdict.NOT_FINITE


def test_expected_infinities_have_no_tolerance_and_leave_the_rest_its_own() -> None:
    infinite = torch.tensor([float("inf"), -float("inf")], dtype=torch.float64)
    nothing_finite = expected(lambda x: x * 2, Case("c", "stability", lambda draw: (infinite,)), 0)[0].targets["out.0"]
    assert (nothing_finite.atol, nothing_finite.bias) == (0.0, 0.0)
    mixed = expected(lambda x: x.exp(), Case("c", "stability", lambda draw: (torch.cat([infinite, draw.normal(3)]),)), 0)[0].targets[
        "out.0"
    ]
    assert 0 < mixed.atol < 1e-4


def test_zeros_must_be_met_exactly() -> None:
    target = expected(lambda x: x * 0, Case("c", "edge", noise(4)), 0)[0].targets["out.0"]
    assert (target.atol, target.bias) == (0.0, 0.0)
    assert compare(torch.zeros(4), target) is None
    assert compare(torch.full((4,), 1e-30), target) is not None


def test_empty_outputs_have_a_target() -> None:
    target = expected(lambda x: x.sum(-1), Case("c", "edge", noise(0, 5)), 0)[0].targets["out.0"]
    assert target.value.shape == (0,) and target.atol == 0.0


def test_a_constant_offset_inside_a_stated_tolerance_fails() -> None:
    case = Case("stated", "value", noise(20, 50), atol=1e-3)
    wanted, inputs = expected(lambda x: 2 * x, case, 0)
    target = wanted.targets["out.0"]
    assert target.atol == 1e-3 and target.bias == pytest.approx(1e-3 * 4 / 1000**0.5)
    right = 2 * inputs.args[0].float()
    scattered = right + 9e-4 * torch.tensor([1.0, -1.0]).repeat(500).reshape(20, 50)
    assert compare(scattered, target) is None
    for offset in (9e-4, -9e-4):
        found = compare(right + offset, target)
        assert found is not None and found.verdict is Verdict.WRONG_VALUE and "together they are too" in found.text


def test_of_few_elements_a_stated_tolerance_is_all_there_is() -> None:
    assert [stated_bias(1e-3, count, 0.0) for count in (0, 1, 16)] == [1e-3] * 3
    assert stated_bias(1e-3, 64, 0.0) == pytest.approx(5e-4)
    # errors that lean, as the reference's own do, are allowed where the derived bound allows them, but never more than the tolerance.
    assert stated_bias(1e-3, 10_000, 2e-4) == 2e-4 and stated_bias(1e-3, 10_000, 1.0) == 1e-3
