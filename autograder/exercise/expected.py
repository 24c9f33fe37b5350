"""What a case must give: the float64 reference, its vector-Jacobian products, and the error that is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.exercise.case import Case, Inputs
from autograder.exercise.exercise import Exercise
from autograder.exercise.plan import differentiated
from autograder.exercise.probe import ModuleProbe
from vislab.check.compare import Target

FLOOR_ULPS = 8.0
PERTURBATIONS = 2


@dataclass(frozen=True)
class Expected:
    """Everything one case is compared with.

    Args:
        targets: by the wire's names: ``out.N``, ``grad.N``, ``gradw.NAME``.
        cotangents: float64, one per output, for a gradient case.
        raises: name of the exception the call must raise; then ``targets`` is empty.
    """

    targets: dict[str, Target]
    cotangents: tuple[torch.Tensor, ...] | None
    raises: str | None = None


def expect(exercise: Exercise, case: Case, inputs: Inputs, seed: bytes) -> Expected:
    """Compute what a case expects.

    The tolerance is derived: the largest of (a) the error of the reference itself run in the case's dtype, and (b) the change of the
    float64 reference when every input moves by up to one unit in the last place of that dtype, times the exercise's factor, plus a
    floor of ``FLOOR_ULPS`` units in the last place of the largest expected magnitude. The bias bound covers the mean signed error of
    the same runs, and otherwise shrinks with the number of elements as independent rounding errors do.

    Args:
        seed: draws cotangents and perturbations; must differ from the seed of the inputs.
    """
    if case.raises is not None:
        return Expected({}, None, case.raises)
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
    outputs = _outputs(exercise, inputs, torch.float64)
    cotangents: tuple[torch.Tensor, ...] | None = None
    if case.wants_gradient:
        cotangents = tuple(
            torch.from_numpy(np.asarray(generator.normal(size=tuple(output.shape)))).to(case.torch_dtype).to(torch.float64)
            for output in outputs
        )
    exact = _evaluate(exercise, case, inputs, cotangents, torch.float64)
    runs = [_evaluate(exercise, case, inputs, cotangents, case.torch_dtype)]
    eps = torch.finfo(case.torch_dtype).eps
    for _ in range(PERTURBATIONS):
        runs.append(_evaluate(exercise, case, _perturbed(inputs, eps, generator), cotangents, torch.float64))
    targets = {}
    for name, value in exact.items():
        if not value.is_floating_point():
            targets[name] = Target(value, value.dtype, 0.0, 0.0)
            continue
        atol, bias = _allowed(value, [run[name] for run in runs], eps, exercise.tolerance_factor)
        if case.atol is not None:
            atol, bias = case.atol, case.atol
        targets[name] = Target(value, case.torch_dtype, atol, bias)
    return Expected(targets, cotangents)


def reference_outputs(exercise: Exercise, inputs: Inputs) -> tuple[torch.Tensor, ...]:
    """Run the reference in float64 and return its outputs as a tuple."""
    return _outputs(exercise, inputs, torch.float64)


def oracle_outputs(exercise: Exercise, inputs: Inputs) -> tuple[torch.Tensor, ...] | None:
    """Run the independent oracle in float64; None where it does not cover these inputs."""
    args, kwargs = _cast_call(exercise, inputs, torch.float64)
    result = exercise.oracle(*args, **kwargs)
    return None if result is NotImplemented else _tuple(result)


def _cast_call(exercise: Exercise, inputs: Inputs, dtype: torch.dtype) -> tuple[list[Any], dict[str, Any]]:
    args = [_cast(value, dtype) for value in inputs.args]
    kwargs = {name: _cast(value, dtype) for name, value in inputs.kwargs.items()}
    if isinstance(exercise.probe, ModuleProbe):
        kwargs = {**kwargs, **inputs.init, "weights": {name: _cast(weight, dtype) for name, weight in inputs.weights.items()}}
    return args, kwargs


def _cast(value: Any, dtype: torch.dtype) -> Any:
    # a copy: a reference that worked in place must not spoil the inputs of the next run.
    if isinstance(value, torch.Tensor):
        return value.to(dtype).clone() if value.is_floating_point() else value.clone()
    return value


def _tuple(result: Any) -> tuple[torch.Tensor, ...]:
    outputs = tuple(result) if isinstance(result, (tuple, list)) else (result,)
    if not outputs or not all(isinstance(output, torch.Tensor) for output in outputs):
        raise TypeError(f"a reference must return a tensor or a tuple of tensors, not {[type(output).__name__ for output in outputs]}")
    return outputs


def _outputs(exercise: Exercise, inputs: Inputs, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    args, kwargs = _cast_call(exercise, inputs, dtype)
    with torch.no_grad():
        return _tuple(exercise.reference(*args, **kwargs))


def _evaluate(
    exercise: Exercise, case: Case, inputs: Inputs, cotangents: tuple[torch.Tensor, ...] | None, dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    if cotangents is None:
        return {f"out.{i}": _wide(output) for i, output in enumerate(_outputs(exercise, inputs, dtype))}
    args, kwargs = _cast_call(exercise, inputs, dtype)
    positions = differentiated(case, inputs)
    leaves: dict[str, torch.Tensor] = {}
    for position in positions:
        leaves[f"grad.{position}"] = args[position].requires_grad_(True)
    if case.wrt_weights:
        leaves.update({f"gradw.{name}": weight.requires_grad_(True) for name, weight in kwargs["weights"].items()})
    outputs = _tuple(exercise.reference(*args, **kwargs))
    pairs = [(output, cot.to(output.dtype)) for output, cot in zip(outputs, cotangents) if output.requires_grad]
    if pairs:
        wanted = list(leaves.values())
        grads: Sequence[torch.Tensor | None] = torch.autograd.grad(
            [out for out, _ in pairs], wanted, [cot for _, cot in pairs], allow_unused=True
        )
    else:
        grads = [None for _ in leaves]
    found = {f"out.{i}": _wide(output.detach()) for i, output in enumerate(outputs)}
    for (name, leaf), grad in zip(leaves.items(), grads):
        found[name] = _wide(torch.zeros_like(leaf) if grad is None else grad.detach())
    return found


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64) if tensor.is_floating_point() else tensor


def _perturbed(inputs: Inputs, eps: float, generator: np.random.Generator) -> Inputs:
    def moved(value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            noise = torch.from_numpy(np.asarray(generator.uniform(-1.0, 1.0, tuple(value.shape))))
            return torch.where(torch.isfinite(value), value * (1.0 + eps * noise), value)
        return value

    weights: Mapping[str, torch.Tensor] = {name: moved(weight) for name, weight in inputs.weights.items()}
    return Inputs(tuple(moved(v) for v in inputs.args), {k: moved(v) for k, v in inputs.kwargs.items()}, weights, inputs.init)


def _allowed(exact: torch.Tensor, runs: list[torch.Tensor], eps: float, factor: float) -> tuple[float, float]:
    finite = torch.isfinite(exact)
    if not bool(finite.any()):
        return 0.0, 0.0
    scale = float(exact[finite].abs().max())
    floor = FLOOR_ULPS * eps * scale
    largest, signed = 0.0, 0.0
    for run in runs:
        error = (run - exact)[finite]
        # a reference that overflows in the student's dtype must not open the tolerance to infinity.
        error = error[torch.isfinite(error)]
        if error.numel():
            largest = max(largest, float(error.abs().max()))
            signed = max(signed, abs(float(error.mean())))
    atol = factor * largest + floor
    count = int(finite.sum())
    bias = min(atol, factor * signed + atol / max(1.0, count) ** 0.5)
    return atol, bias
