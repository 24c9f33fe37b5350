"""Turn one case's inputs into a call plan: the JSON and the tensors that the student's side carries out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.case import Case, Inputs, Value
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import In, KernelProbe, ModuleProbe, Out, Stride
from autograder.exercise.step import StepProbe
from autograder.exercise.step_plan import step_header


@dataclass(frozen=True)
class CallPlan:
    """What the student's side is asked to do, as spoken on the socket (docs/architecture.md, PLAN).

    Args:
        header: the plan's JSON.
        tensors: inputs, weights and cotangents by the names that the header uses, in the dtype they are sent in.
    """

    header: dict[str, Any]
    tensors: dict[str, torch.Tensor]


def differentiated(case: Case, inputs: Inputs) -> tuple[int, ...]:
    """Return the positions in ``inputs.args`` that a gradient case differentiates."""
    if not case.wants_gradient:
        return ()
    if case.wrt is not None:
        return tuple(case.wrt)
    return tuple(i for i, value in enumerate(inputs.args) if isinstance(value, torch.Tensor) and value.is_floating_point())


def make_plan(exercise: Exercise, case: Case, inputs: Inputs, cotangents: Sequence[torch.Tensor] | None, seed: int) -> CallPlan:
    """Plan one call.

    Args:
        exercise: whose probe, forbidden operations and tripwires apply.
        case: whose dtype, layout and gradient wishes apply.
        inputs: drawn inputs, floating tensors in float64.
        cotangents: one per output, float64, for a gradient case; None otherwise.
        seed: what the student's generators are seeded with before the call; says nothing about the inputs' seed.
    """
    tensors: dict[str, torch.Tensor] = {}

    def argument(value: Value, name: str) -> dict[str, Any]:
        if not isinstance(value, torch.Tensor):
            return {"value": value}
        tensors[name] = _sent(value, case)
        return {"tensor": name, "layout": case.layout if value.ndim >= 2 else "contiguous"}

    header: dict[str, Any] = {
        "probe": exercise.probe.kind,
        "seed": seed,
        "args": [argument(value, f"in.{i}") for i, value in enumerate(inputs.args)],
        "kwargs": {name: argument(value, f"kw.{name}") for name, value in inputs.kwargs.items()},
        "cotangents": None,
        "wrt": list(differentiated(case, inputs)),
        "wrt_weights": bool(case.wants_gradient and case.wrt_weights),
        "forbidden": list(exercise.forbidden),
        "tripwires": list(exercise.tripwires),
    }
    if cotangents is not None:
        header["cotangents"] = [f"cot.{i}" for i in range(len(cotangents))]
        tensors.update({f"cot.{i}": _sent(cotangent, case) for i, cotangent in enumerate(cotangents)})
    if isinstance(exercise.probe, ModuleProbe):
        header["init"] = dict(inputs.init)
        header["training"] = exercise.probe.training
        header["weights"] = {name: f"weight.{i}" for i, name in enumerate(inputs.weights)}
        tensors.update({f"weight.{i}": _sent(weight, case) for i, weight in enumerate(inputs.weights.values())})
    if isinstance(exercise.probe, BehaviourProbe):
        header["behaviour"] = exercise.probe.header(exercise.baseline(*inputs.args, **inputs.kwargs), case.torch_dtype)
    if isinstance(exercise.probe, StepProbe):
        header["step"], state = step_header(exercise.setup(inputs), inputs)
        tensors.update({name: _sent(value, case) for name, value in state.items()})
    if isinstance(exercise.probe, KernelProbe):
        launch = exercise.launch(inputs)
        header["launch"] = {
            "arguments": [_launch_argument(argument) for argument in launch.arguments],
            "outputs": [{"shape": list(buffer.shape), "dtype": case.dtype, "guard_rows": buffer.guard_rows} for buffer in launch.outputs],
            "grid": list(launch.grid),
            "constants": dict(launch.constants),
        }
    return CallPlan(header, tensors)


def _sent(value: torch.Tensor, case: Case) -> torch.Tensor:
    return value.to(case.torch_dtype) if value.is_floating_point() else value


def _launch_argument(argument: In | Out | Stride | int | float) -> dict[str, Any]:
    if isinstance(argument, In):
        return {"in": argument.index}
    if isinstance(argument, Out):
        return {"out": argument.index}
    if isinstance(argument, Stride):
        return {"stride": [argument.index, argument.axis]}
    return {"value": argument}
