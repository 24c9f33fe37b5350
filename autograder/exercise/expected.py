"""What a case must give: the float64 reference, its vector-Jacobian products, and the error that is allowed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.case import Case, Inputs
from autograder.exercise.exercise import Exercise
from autograder.exercise.plan import differentiated
from autograder.exercise.probe import ModuleProbe
from autograder.exercise.step import StepProbe
from autograder.exercise.step_plan import before, stepped, storage_slack
from autograder.exercise.tolerance import Margin, Run, magnitude, margin_of, stated_bias, summing_floor
from vislab.check.compare import Target

PERTURBATIONS = 2
SISTERS = 3

Margins = dict[str, Margin]
_usual_margins: WeakKeyDictionary[Exercise, dict[tuple[Any, ...], Margins]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Expected:
    """Everything one case is compared with.

    Args:
        targets: by the wire's names: ``out.N``, ``grad.N``, ``gradw.NAME``, or those of a step; ``withheld.N`` for a training.
        cotangents: float64, one per output, for a gradient case.
        raises: name of the exception the call must raise; then ``targets`` is empty.
    """

    targets: dict[str, Target]
    cotangents: tuple[torch.Tensor, ...] | None
    raises: str | None = None


def expect(exercise: Exercise, case: Case, inputs: Inputs, seed: bytes) -> Expected:
    """Compute what a case expects.

    The tolerance is derived from runs of the reference with errors (``tolerance.margin_of`` says how): one run in the case's dtype (for
    float64 cases in float32, scaled down), and ``PERTURBATIONS`` runs in float64 in which every input moves by up to one unit in the last
    place of that dtype. All are made on this draw and on ``SISTERS`` draws that are the same for everybody, and the largest margin
    counts: a draw on which the reference happens to err little must not fail what passes on any other. A tensor that is expected to be
    zero everywhere, and stays so in these runs, must be met exactly.

    Args:
        seed: draws cotangents and perturbations; must differ from the seed of the inputs.
    """
    if case.raises is not None:
        return Expected({}, None, case.raises)
    if isinstance(exercise.probe, BehaviourProbe):
        return Expected({f"withheld.{i}": Target(value, value.dtype, 0.0, 0.0) for i, value in enumerate(inputs.withheld)}, None)
    exact, cotangents, own = _measured(exercise, case, inputs, seed)
    usual = _usual(exercise, case)
    targets = {}
    for name, value in exact.items():
        if not value.is_floating_point():
            targets[name] = Target(value, value.dtype, 0.0, 0.0)
        elif case.atol is not None:
            derived = own[name].mean * (magnitude(value) or 1.0)
            bias = stated_bias(case.atol, int(torch.isfinite(value).sum()), derived)
            targets[name] = Target(value, case.torch_dtype, case.atol, bias)
        else:
            size = magnitude(value)
            margin = own[name].at_least(usual[name]) if size and name in usual else own[name]
            atol = margin.largest * (size or 1.0)
            targets[name] = Target(value, case.torch_dtype, atol, min(atol, margin.mean * (size or 1.0)))
    return Expected(_stored(exercise, case, inputs, targets) if isinstance(exercise.probe, StepProbe) else targets, cotangents)


def _stored(exercise: Exercise, case: Case, inputs: Inputs, changes: dict[str, Target]) -> dict[str, Target]:
    """Turn the changes that a step makes into what it leaves behind: a change is judged by its own size, but stored as part of a value."""
    setup, targets = exercise.setup(inputs), dict(changes)
    exact = {name: target.value for name, target in changes.items()}
    slack = {} if case.atol is not None else storage_slack(setup, inputs, exact, torch.finfo(case.torch_dtype).eps)
    for name, value in before(setup, inputs).items():
        change, more = changes[name], slack.get(name, 0.0)
        targets[name] = Target(value + change.value, change.dtype, change.atol + more, change.bias + more)
    return targets


def _usual(exercise: Exercise, case: Case) -> Margins:
    known = _usual_margins.setdefault(exercise, {})
    key = (case.name, case.dtype, case.wants_gradient, case.wrt, case.wrt_weights)
    if key not in known:
        margins: Margins = {}
        for number in range(SISTERS):
            seed, other = (
                hashlib.sha256(f"vislab tolerance\0{exercise.name}\0{case.name}\0{number}\0{purpose}".encode()).digest()
                for purpose in ("inputs", "cotangents")
            )
            _, _, found = _measured(exercise, case, case.inputs(seed), other)
            margins = {name: margin.at_least(margins.get(name, margin)) for name, margin in found.items()}
        known[key] = margins
    return known[key]


def _measured(
    exercise: Exercise, case: Case, inputs: Inputs, seed: bytes
) -> tuple[dict[str, torch.Tensor], tuple[torch.Tensor, ...] | None, Margins]:
    """Run the reference exactly and with errors; return its exact results, the cotangents and what is allowed."""
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
    cotangents: tuple[torch.Tensor, ...] | None = None
    if case.wants_gradient:
        cotangents = tuple(
            torch.from_numpy(np.asarray(generator.normal(size=tuple(output.shape)))).to(case.torch_dtype).to(torch.float64)
            for output in _outputs(exercise, inputs, torch.float64)
        )
    exact = _evaluate(exercise, case, inputs, cotangents, torch.float64)
    # float64 cannot show its own error: float32 does, and rounding errors grow with the unit in the last place.
    own_dtype = torch.float32 if case.torch_dtype is torch.float64 else case.torch_dtype
    own = _evaluate(exercise, case, inputs, cotangents, own_dtype)
    eps = torch.finfo(case.torch_dtype).eps
    moved = [_evaluate(exercise, case, _perturbed(inputs, eps, generator), cotangents, torch.float64) for _ in range(PERTURBATIONS)]
    floor = summing_floor(eps, _elements(inputs))
    margins = {}
    for name, value in exact.items():
        if value.is_floating_point():
            runs = [Run(own[name], eps / torch.finfo(own_dtype).eps, rounded=True), *(Run(run[name]) for run in moved)]
            margins[name] = margin_of(value, runs, eps, exercise.tolerance_factor, floor, gradient=not name.startswith("out."))
    return exact, cotangents, margins


def reference_outputs(exercise: Exercise, inputs: Inputs) -> tuple[torch.Tensor, ...]:
    """Run the reference in float64 and return its outputs as a tuple; for a step, what it returns and what it changes."""
    if isinstance(exercise.probe, StepProbe):
        return _visible(_stepped(exercise, inputs, torch.float64))
    return _outputs(exercise, inputs, torch.float64)


def oracle_outputs(exercise: Exercise, inputs: Inputs) -> tuple[torch.Tensor, ...] | None:
    """Run the independent oracle in float64; None where it does not cover these inputs."""
    if isinstance(exercise.probe, StepProbe):
        found = stepped(exercise.setup(inputs), inputs, torch.float64, exercise.oracle)
        return None if found is None else _visible(found)
    args, kwargs = _cast_call(exercise, inputs, torch.float64)
    result = exercise.oracle(*args, **kwargs)
    return None if result is NotImplemented else _tuple(result)


def _stepped(exercise: Exercise, inputs: Inputs, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    found = stepped(exercise.setup(inputs), inputs, dtype, exercise.reference)
    if found is None:
        raise TypeError("a reference must take the step, and returned NotImplemented")
    return found


def _visible(found: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    # an oracle may move parameters by hand, and owes neither gradients nor optimiser state.
    return tuple(value for name, value in found.items() if name.startswith(("out.", "after.")))


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
    if isinstance(exercise.probe, StepProbe):
        return _stepped(exercise, inputs, dtype)
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


def _elements(inputs: Inputs) -> int:
    values = (*inputs.args, *inputs.kwargs.values(), *inputs.weights.values())
    return max((value.numel() for value in values if isinstance(value, torch.Tensor)), default=0)
