"""What is wrong with a training step: parameters, buffers, gradients and optimiser state against what they must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from vislab.check.compare import Finding, Target, compare
from vislab.check.diagnose import diagnose
from vislab.check.verdict import Verdict

# what the .grad of a net's parameters must be after the step; the first is not judged.
GRADIENTS = {
    "free": "anything",
    "step": "the gradient of this step",
    "untouched": "what it was before",
    "cleared": "cleared",
    "untouched or cleared": "either what it was before or cleared",
}


def step_faults(
    spec: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], targets: Mapping[str, Target], inputs: Mapping[str, torch.Tensor]
) -> Iterator[Finding]:
    """Yield the faults of the state that a step left behind, for each net the gravest first.

    Args:
        spec: the plan's part ``step``.
        tensors: the answered tensors by wire name.
        targets: what was expected, by wire name.
        inputs: the tensors that were sent: the state before the step.
    """
    optimised = {net for optimiser in spec["optimisers"] for net in optimiser["nets"]}
    for net in spec["nets"]:
        name = net["name"]
        if fault := _names(name, tensors, targets):
            yield fault
            continue
        changes, faults = [], []
        for key, source in net["state"].items():
            label = f"after.{name}.{key}"
            change = _change(tensors[label], targets[label], inputs[source], f"{name}.{key}")
            if isinstance(change, Finding):
                faults.append(change)
            else:
                changes.append((key, source, *change))
        yield from faults or _wrong_changes(net, name in optimised, changes, inputs)
        yield from _wrong_gradients(net, tensors, targets, inputs)
    for optimiser in spec["optimisers"]:
        yield from _wrong_state(optimiser["name"], tensors, targets)


def _names(net: str, tensors: Mapping[str, torch.Tensor], targets: Mapping[str, Target]) -> Finding | None:
    prefix = f"after.{net}."
    wanted, got = ({name[len(prefix) :] for name in names if name.startswith(prefix)} for names in (targets, tensors))
    if lost := sorted(wanted - got):
        return Finding(Verdict.WRONG_TYPE, f"{net} no longer has {lost[0]}; a step changes values, not the net")
    if got - wanted:
        # the name itself is the other side's word.
        return Finding(Verdict.WRONG_TYPE, f"{net} has {len(got - wanted)} parameters or buffers more than before the step")
    return None


def _change(got: torch.Tensor, target: Target, before: torch.Tensor, label: str) -> tuple[torch.Tensor, Target] | Finding:
    form = compare(got, Target(target.value, target.dtype, float("inf"), float("inf"))) if target.value.is_floating_point() else None
    if not target.value.is_floating_point() and (got.shape != target.value.shape or got.dtype != target.dtype):
        form = Finding(Verdict.WRONG_DTYPE, "it has another form than before the step")
    if form is not None:
        return Finding(form.verdict, f"{label}: {form.text}")
    wide = torch.float64 if target.value.is_floating_point() else torch.int64
    base = before.to(wide)
    return got.to(wide) - base, Target(target.value.to(wide) - base, wide, target.atol, target.bias)


def _wrong_changes(
    net: Mapping[str, Any],
    optimised: bool,
    changes: list[tuple[str, str, torch.Tensor, Target]],
    inputs: Mapping[str, torch.Tensor],
) -> Iterator[Finding]:
    name, wrong = net["name"], []
    for key, _, change, target in changes:
        if (found := compare(change, target)) is not None:
            wrong.append((key, found))
    if not wrong:
        return
    parameters = [entry for entry in changes if entry[0] in net["parameters"]]
    wrong_parameters = [(key, found) for key, found in wrong if key in net["parameters"]]
    if wrong_parameters and not optimised:
        yield Finding(Verdict.WRONG_VALUE, f"{wrong_parameters[0][0]} of {name} changed; this step must leave {name} alone")
    elif wrong_parameters:
        key, found = wrong_parameters[0]
        more = f" ({len(wrong_parameters)} of its {len(parameters)} parameters are wrong)" if len(wrong_parameters) > 1 else ""
        term = _term(net, parameters, inputs)
        said = f"; {term}" if term else ""
        yield Finding(found.verdict, f"{name}: change of {key}: {found.text}{more}{said}", diagnosable=term is None and found.diagnosable)
    for key, found in wrong:
        if key not in net["parameters"]:
            yield _wrong_buffer(name, key, found, *next(entry[2:] for entry in changes if entry[0] == key))
            return


def _term(
    net: Mapping[str, Any], parameters: list[tuple[str, str, torch.Tensor, Target]], inputs: Mapping[str, torch.Tensor]
) -> str | None:
    got = torch.cat([change.reshape(-1) for _, _, change, _ in parameters])
    expected = torch.cat([target.value.reshape(-1) for *_, target in parameters])
    atol = max(target.atol for *_, target in parameters)
    if not bool(got.any()):
        return "no parameter moved"
    if all(key in net["grads"] for key, *_ in parameters):
        stale = torch.cat([inputs[net["grads"][key]].to(torch.float64).reshape(-1) for key, *_ in parameters])
        share = float((got - expected) @ stale) / (float(stale @ stale) or 1.0)
        if abs(share) * float(stale.abs().max()) > 40 * atol and float((got - expected - share * stale).abs().max()) <= 10 * atol + 1e-12:
            return "the gradient that was there before the step went into it: clear it first"
    term = diagnose(expected, got, atol)
    return f"the change of all parameters {term}" if term else None


def _wrong_buffer(net: str, key: str, found: Finding, change: torch.Tensor, target: Target) -> Finding:
    if not target.value.is_floating_point() and target.value.numel() == 1:
        times, wanted = int(change), int(target.value)
        text = f"{net}: {key} counted {times} batches in training mode, expected {wanted}"
    elif not bool(change.any()):
        text = f"{net}: {key} did not move; was {net} in evaluation mode, or left out?"
    elif not bool(target.value.any()):
        text = f"{net}: {key} moved and must not; was {net} in training mode?"
    else:
        text = f"{net}: change of {key}: {found.text}"
    return Finding(Verdict.WRONG_VALUE, text)


def _wrong_gradients(
    net: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], targets: Mapping[str, Target], inputs: Mapping[str, torch.Tensor]
) -> Iterator[Finding]:
    name, rule = net["name"], net["gradients"]
    if rule == "free":
        return
    for key in net["parameters"]:
        got = tensors.get(f"left.{name}.{key}")
        if rule == "step":
            target = targets[f"left.{name}.{key}"]
            found = compare(got, target, gradient=True) if got is not None else None
            if got is None or found is not None:
                said = found.text if found is not None else "there is none"
                yield Finding(found.verdict if found else Verdict.WRONG_GRADIENT, f"{name}: the .grad of {key} left behind: {said}")
                return
            continue
        cleared = got is None or not bool(got.any())
        given = inputs[net["grads"][key]] if key in net["grads"] else None
        untouched = cleared if given is None else got is not None and got.shape == given.shape and bool((got == given).all())
        if not (("cleared" in rule and cleared) or ("untouched" in rule and untouched)):
            neither = "neither" if " or " in rule else "not"
            text = f"{name}: the .grad of {key} must be {GRADIENTS[rule]} after this step, and is {neither}"
            yield Finding(Verdict.WRONG_GRADIENT, text)
            return


def _wrong_state(optimiser: str, tensors: Mapping[str, torch.Tensor], targets: Mapping[str, Target]) -> Iterator[Finding]:
    prefix = f"opt.{optimiser}."
    for name, target in targets.items():
        if not name.startswith(prefix):
            continue
        parameter, _, slot = name[len(prefix) :].rpartition(".")
        got = tensors.get(name)
        if got is None:
            yield Finding(Verdict.WRONG_VALUE, f"{optimiser} has lost its {slot} of {parameter}; step with the optimiser that is given")
            return
        if slot == "step" and got.dtype == target.dtype and got.shape == target.value.shape and int(got) != int(target.value):
            behind = int(got) - int(target.value)
            yield Finding(Verdict.WRONG_VALUE, f"{optimiser} took {abs(behind)} steps too {'many' if behind > 0 else 'few'}")
            return
        if (found := compare(got, target)) is not None:
            yield Finding(found.verdict, f"{optimiser}: {slot} of {parameter}: {found.text}")
            return
