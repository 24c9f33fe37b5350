"""Carry out a call plan: rebuild the inputs, call the student's code, collect what came back.

The plan's format is PLAN in docs/architecture.md. The same code runs at home on recorded plans and, when graded, on the judge's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch

from vislab.check.behaviour import StepCount, counted_steps
from vislab.check.failures import CallFailed, StateDictMismatch, WrongKind
from vislab.check.kernels import launch
from vislab.check.observe import generator_state, same_values, seed_generators, traced, tripwires
from vislab.check.steps import Steps
from vislab.wire.tensors import sendable

__all__ = ["Answer", "CallFailed", "StateDictMismatch", "carry_out", "with_layout"]

SENT_BYTES_MAX = 64 << 20
OUTPUTS_MAX = 64


@dataclass
class Answer:
    """What one call gave, in the wire's words (OUTPUT, GRADIENT, OBSERVED in docs/architecture.md)."""

    outputs: list[dict[str, Any]]
    gradients: list[dict[str, Any]]
    observed: dict[str, Any]
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)


def carry_out(plan: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], answer: Any, extras: Mapping[str, Any]) -> Answer:
    """Call the student's code once.

    Args:
        plan: header of the call.
        tensors: its inputs, weights and cotangents.
        answer: the student's function, module class or kernel.
        extras: further things handed in beside it (``grid`` of a kernel).

    Raises:
        CallFailed: any exception of the student's code; KeyboardInterrupt passes through.
    """
    arguments = [_argument(spec, tensors) for spec in plan["args"]]
    keywords = {name: _argument(spec, tensors) for name, spec in plan["kwargs"].items()}
    before = [_snapshot(value) for value in (*arguments, *keywords.values())]
    leaves: dict[Any, torch.Tensor] = {}
    for position in plan["wrt"]:
        arguments[position] = arguments[position].detach().requires_grad_(True)
        leaves[position] = arguments[position]
    forbidden_seen: set[str] = set()
    tripped: set[str] = set()
    observed: dict[str, Any] = {"mutated": [], "rng_moved": False, "forbidden": [], "tripped": []}
    stage = "launch" if plan["probe"] == "kernel" else "construct"
    state: tuple[Any, ...] | None = None
    steps: Steps | None = None
    count: StepCount | None = None

    def note() -> None:
        after = (*arguments, *keywords.values())
        observed["mutated"] = [
            i for i, (old, new) in enumerate(zip(before, after)) if old is not None and not same_values(old, new.detach())
        ]
        # whoever trains draws.
        observed["rng_moved"] = state is not None and plan["probe"] != "behaviour" and generator_state() != state
        observed["forbidden"] = sorted(forbidden_seen)
        observed["tripped"] = sorted(tripped)
        if steps is not None:
            observed["switched"] = steps.switched()
        if count is not None:
            observed["steps"] = count.taken

    try:
        with ExitStack() as stack:
            # an earlier cell may have switched gradients off for good.
            stack.enter_context(torch.enable_grad())
            stack.enter_context(tripwires(plan["tripwires"], tripped))
            if plan["probe"] == "module":
                call: Callable[..., Any] = _module(plan, tensors, answer, leaves)
            elif plan["probe"] == "kernel":
                call = launch(plan["launch"], answer, extras)
            elif plan["probe"] == "step":
                call = steps = Steps(plan["step"], tensors, answer)
            elif callable(answer):
                call = answer
            else:
                raise WrongKind(f"hand in the function itself, not {type(answer).__name__}")
            if plan["probe"] == "behaviour":
                keywords |= {"steps": plan["behaviour"]["steps"], "seed": plan["seed"]}
                count = stack.enter_context(counted_steps(plan["behaviour"]))
            seed_generators(plan["seed"])
            state = generator_state()
            stage = "launch" if plan["probe"] == "kernel" else "call"
            with traced(plan["forbidden"], forbidden_seen):
                result = call(*arguments, **keywords)
                outputs = _as_list(result)
                stage = "collect"
                described, sent = _collect(outputs)
                stage = "backward"
                gradients = _gradients(plan, tensors, outputs, leaves, sent)
                if steps is not None:
                    stage = "collect"
                    sent.update(steps.collected())
        note()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and GeneratorExit in student code are failures of the call, too
        note()
        raise CallFailed(stage, error, observed) from error
    return Answer(described, gradients, observed, sent)


def _argument(spec: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Any:
    return with_layout(tensors[spec["tensor"]], spec["layout"]) if "tensor" in spec else spec["value"]


def with_layout(tensor: torch.Tensor, layout: str) -> torch.Tensor:
    """Rebuild a tensor in one of the case layouts; gaps hold NaN (or 1), so that reading beside the view shows.

    Args:
        tensor: contiguous values.
        layout: "contiguous", "strided", "transposed" or "offset".
    """
    filler = float("nan") if tensor.is_floating_point() else 1
    if layout == "strided":
        wide = torch.full((*tensor.shape[:-1], 2 * tensor.shape[-1]), filler, dtype=tensor.dtype, device=tensor.device)
        wide[..., ::2] = tensor
        return wide[..., ::2]
    if layout == "transposed":
        # cloned first: an axis of length one is contiguous either way, and the answer must not work on the given memory itself.
        return tensor.clone().transpose(-1, -2).contiguous().transpose(-1, -2)
    if layout == "offset":
        flat = torch.full((tensor.numel() + 5,), filler, dtype=tensor.dtype, device=tensor.device)
        flat[3 : 3 + tensor.numel()] = tensor.reshape(-1)
        return flat[3 : 3 + tensor.numel()].view(tensor.shape)
    return tensor.clone()


def _snapshot(value: Any) -> torch.Tensor | None:
    return value.detach().clone() if isinstance(value, torch.Tensor) else None


def _module(
    plan: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], answer: Any, leaves: dict[Any, torch.Tensor]
) -> Callable[..., Any]:
    if not (isinstance(answer, type) and issubclass(answer, torch.nn.Module)):
        raise WrongKind(f"hand in the nn.Module class itself, not {type(answer).__name__}")
    module = answer(**plan["init"])
    weights = {name: tensors[key] for name, key in plan["weights"].items()}
    own = {name: list(value.shape) for name, value in module.state_dict().items()}
    given = {name: list(value.shape) for name, value in weights.items()}
    if own != given:
        raise StateDictMismatch(f"{_differing(own, given)}; name and size the layers as the exercise says")
    module.load_state_dict(weights, strict=True)
    floating = [value.dtype for value in weights.values() if value.is_floating_point()]
    if floating:
        module.to(floating[0])
        module.load_state_dict(weights, strict=True)
    module.train(bool(plan["training"]))
    if plan["wrt_weights"]:
        leaves.update(dict(module.named_parameters()))
    return module


def _differing(own: Mapping[str, list[int]], given: Mapping[str, list[int]]) -> str:
    said = [
        f"{name} is {own[name]} and must be {shape}" if name in own else f"{name} {shape} is missing"
        for name, shape in given.items()
        if own.get(name) != shape
    ]
    return ", ".join(said + [f"{name} is not asked for" for name in own if name not in given])


def _as_list(result: Any) -> list[Any]:
    # named tuples, and what torch.max(x, dim=1) returns, are tuples, too.
    return list(result) if isinstance(result, (tuple, list)) else [result]


def _collect(outputs: Sequence[Any]) -> tuple[list[dict[str, Any]], dict[str, torch.Tensor]]:
    described: list[dict[str, Any]] = []
    sent: dict[str, torch.Tensor] = {}
    budget = SENT_BYTES_MAX
    for index, output in enumerate(outputs[:OUTPUTS_MAX]):
        if type(output) not in (torch.Tensor, torch.nn.Parameter):
            described.append({"kind": "other", "class": type(output).__name__[:80]})
            continue
        size = output.numel() * output.element_size() if sendable(output) else 0
        fits = sendable(output) and size <= budget
        described.append(
            {
                "kind": "tensor",
                "dtype": str(output.dtype),
                "layout": "nested" if output.is_nested else str(output.layout),
                "device": output.device.type,
                "sent": fits,
            }
        )
        if fits:
            budget -= size
            # cloned at once: nothing that the student's code does later can change it.
            sent[f"out.{index}"] = output.detach().to("cpu").clone()
    return described, sent


def _gradients(
    plan: Mapping[str, Any],
    tensors: Mapping[str, torch.Tensor],
    outputs: Sequence[Any],
    leaves: Mapping[Any, torch.Tensor],
    sent: dict[str, torch.Tensor],
) -> list[dict[str, Any]]:
    if plan["cotangents"] is None:
        return []
    pairs = []
    for index, (output, name) in enumerate(zip(outputs, plan["cotangents"])):
        cotangent = tensors[name]
        # an output that cannot be judged is not differentiated either: its own fault is reported instead.
        if f"out.{index}" in sent and output.requires_grad and output.shape == cotangent.shape:
            pairs.append((output, cotangent.to(output, copy=True)))
    # a frozen parameter has no gradient.
    wanted = [key for key, leaf in leaves.items() if leaf.requires_grad]
    found: dict[Any, torch.Tensor | None] = {}
    if pairs and wanted:
        computed = torch.autograd.grad(
            [out for out, _ in pairs], [leaves[key] for key in wanted], [cot for _, cot in pairs], allow_unused=True
        )
        found = dict(zip(wanted, computed))
    described = []
    for key in leaves:
        gradient = found.get(key)
        described.append({"of": key, "kind": "none" if gradient is None else "tensor"})
        if gradient is not None:
            sent[f"grad.{key}" if isinstance(key, int) else f"gradw.{key}"] = gradient.detach().to("cpu").clone()
    return described
