"""A step's plan, and a step carried out on the judge's side: by the reference, the oracle, or a named mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from autograder.exercise.case import Case, Inputs
from autograder.exercise.shipped import ship
from autograder.exercise.step import Setup
from vislab.check.steps import Steps

Results = dict[str, torch.Tensor]


def step_header(setup: Setup, inputs: Inputs) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the plan's part ``step`` and its tensors, as ``inputs.weights`` holds them.

    Raises:
        ValueError: state that does not fit the nets; names what is missing, unknown or of another shape.
    """
    names = {name: f"state.{i}" for i, name in enumerate(inputs.weights)}
    used: set[str] = set()

    def source(name: str, shape: torch.Size) -> str:
        if name not in names:
            raise ValueError(f"Inputs.weights lacks {name!r}; draw it, for example by drawn_state")
        if inputs.weights[name].shape != shape:
            raise ValueError(f"Inputs.weights[{name!r}] has shape {list(inputs.weights[name].shape)}, the net needs {list(shape)}")
        used.add(name)
        return names[name]

    nets, parameters = [], {}
    for name, net in setup.nets.items():
        built = net.built()
        own = {key: value.shape for key, value in built.named_parameters()}
        parameters[name] = own
        nets.append(
            {
                "name": name,
                "architecture": ship(net.architecture),
                "init": dict(net.init),
                "training": net.training,
                "gradients": net.gradients or ("free" if name in setup.optimised else "untouched or cleared"),
                "parameters": list(own),
                "state": {key: source(f"{name}.{key}", value.shape) for key, value in built.state_dict().items()},
                "grads": {key: source(f"{name}.{key}@grad", shape) for key, shape in own.items() if f"{name}.{key}@grad" in names},
            }
        )
    optimisers = []
    for label, optimiser in setup.optimisers.items():
        state = {
            f"{net}.{key}": {
                slot: source(f"{net}.{key}@{label}.{slot}", torch.Size([]) if slot == "step" else shape) for slot in optimiser.slots
            }
            for net in optimiser.nets
            for key, shape in parameters[net].items()
        }
        options = {key: list(value) if isinstance(value, tuple) else value for key, value in optimiser.options.items()}
        kept = {key: slots for key, slots in state.items() if slots}
        optimisers.append({"name": label, "kind": optimiser.kind, "nets": list(optimiser.nets), "options": options, "state": kept})
    if unknown := sorted(set(names) - used):
        raise ValueError(f"Inputs.weights holds {unknown[:3]}, which no net and no optimiser has; drop them or correct the names")
    if setup.calls is not None:
        for position, value in enumerate(inputs.args):
            if isinstance(value, torch.Tensor) and (value.ndim == 0 or value.shape[0] != setup.calls):
                raise ValueError(
                    f"input {position} of shape {list(value.shape)} must have an axis of {setup.calls} in front, one slice a call"
                )
    return {"nets": nets, "optimisers": optimisers, "calls": setup.calls}, {names[name]: value for name, value in inputs.weights.items()}


def stepped(setup: Setup, inputs: Inputs, dtype: torch.dtype, step: Callable[..., Any]) -> Results | None:
    """Take a step with ``step`` in ``dtype``.

    Returns:
        As ``taken``; None where ``step`` returned ``NotImplemented``.
    """
    spec, tensors = step_header(setup, inputs)
    cast = {name: _cast(value, dtype) for name, value in tensors.items()}
    return taken(spec, cast, [_cast(v, dtype) for v in inputs.args], {k: _cast(v, dtype) for k, v in inputs.kwargs.items()}, step)


def taken(
    spec: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], args: list[Any], kwargs: Mapping[str, Any], step: Callable[..., Any]
) -> Results | None:
    """Take a step on given tensors.

    Returns:
        By wire name, float64 where floating: what was returned (``out.N``), the *change* of parameters and buffers (``after.…``), the
        gradients of nets that must keep them (``left.…``), and optimiser state (``opt.…``).
    """
    steps = Steps(spec, tensors, step)
    with torch.enable_grad():
        outputs = steps(*args, **kwargs)
    if any(output is NotImplemented for output in outputs):
        return None
    if not all(isinstance(output, torch.Tensor) for output in outputs):
        raise TypeError(f"a step must return tensors, a tuple of them, or None, not {[type(output).__name__ for output in outputs]}")
    found = {f"out.{i}": _wide(output.detach()).clone() for i, output in enumerate(outputs)}
    collected = steps.collected()
    for net in spec["nets"]:
        for key, source in net["state"].items():
            label = f"after.{net['name']}.{key}"
            found[label] = _wide(collected[label]) - _wide(tensors[source])
        if net["gradients"] == "step":
            for key in net["parameters"]:
                label = f"left.{net['name']}.{key}"
                if label not in collected:
                    raise ValueError(f"the reference leaves no gradient at {net['name']}.{key}, and Net.gradients is 'step'")
                found[label] = _wide(collected[label])
    found.update({name: _wide(value) for name, value in collected.items() if name.startswith("opt.")})
    return found


def before(setup: Setup, inputs: Inputs) -> Results:
    """Return parameters and buffers as they are before the step, float64 where floating, by wire name ``after.…``."""
    return {f"after.{name}.{key}": inputs.weights[f"{name}.{key}"] for name, net in setup.nets.items() for key in net.built().state_dict()}


def storage_slack(setup: Setup, inputs: Inputs, exact: Results, eps: float) -> dict[str, float]:
    """Return what storing a changed value may add to its error: two units in the last place of what is stored.

    A parameter that no optimiser of the step holds has none, nor has a buffer that must not move: they must be met exactly.
    """
    held = {f"after.{name}.{key}" for name in setup.optimised for key, _ in setup.nets[name].built().named_parameters()}
    return {
        label: 2.0 * eps * float(value.abs().max()) if value.numel() else 0.0
        for label, value in before(setup, inputs).items()
        if value.is_floating_point() and (label in held or bool(exact[label].any()))
    }


def validated(setup_of: Callable[[Inputs], Setup], cases: list[Case], seed_of: Callable[[Case], bytes]) -> None:
    """Refuse a case whose state does not fit its nets, by drawing each case once.

    Raises:
        ValueError: names the case.
    """
    for case in cases:
        inputs = case.inputs(seed_of(case))
        try:
            step_header(setup_of(inputs), inputs)
        except ValueError as error:
            raise ValueError(f"case {case.name!r}: {error}") from error


def _cast(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(dtype).clone() if value.is_floating_point() else value.clone()
    return value


def _wide(value: torch.Tensor) -> torch.Tensor:
    return value.to(torch.float64) if value.is_floating_point() else value
