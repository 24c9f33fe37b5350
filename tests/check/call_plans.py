"""Call plans written by hand, by the format in docs/architecture.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

SEED = 1234


def function_plan(
    *arguments: Any,
    keywords: Mapping[str, Any] | None = None,
    layout: str = "contiguous",
    cotangents: tuple[torch.Tensor, ...] | None = None,
    wrt: tuple[int, ...] = (),
    **more: Any,
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """A plan that calls a function on ``arguments``, and its tensors."""
    tensors: dict[str, torch.Tensor] = {}

    def argument(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, torch.Tensor):
            return {"value": value}
        tensors[name] = value
        return {"tensor": name, "layout": layout}

    plan: dict[str, Any] = {
        "probe": "function",
        "seed": SEED,
        "args": [argument(value, f"in.{i}") for i, value in enumerate(arguments)],
        "kwargs": {name: argument(value, f"kw.{name}") for name, value in (keywords or {}).items()},
        "cotangents": None,
        "wrt": list(wrt),
        "wrt_weights": False,
        "forbidden": [],
        "tripwires": [],
    }
    if cotangents is not None:
        plan["cotangents"] = [f"cot.{i}" for i in range(len(cotangents))]
        tensors.update({f"cot.{i}": value for i, value in enumerate(cotangents)})
    return {**plan, **more}, tensors


def module_plan(
    features: torch.Tensor,
    weights: Mapping[str, torch.Tensor],
    init: Mapping[str, Any],
    training: bool = False,
    cotangents: tuple[torch.Tensor, ...] | None = None,
    wrt: tuple[int, ...] = (),
    wrt_weights: bool = False,
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """A plan that builds a module, gives it ``weights`` and calls it on ``features``."""
    plan, tensors = function_plan(features, cotangents=cotangents, wrt=wrt)
    tensors.update({f"weight.{i}": value for i, value in enumerate(weights.values())})
    plan |= {
        "probe": "module",
        "init": dict(init),
        "training": training,
        "weights": {name: f"weight.{i}" for i, name in enumerate(weights)},
        "wrt_weights": wrt_weights,
    }
    return plan, tensors


def kernel_plan(
    value: torch.Tensor,
    arguments: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    grid: list[int],
    layout: str = "contiguous",
    **constants: int,
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """A plan that launches a kernel on one input."""
    plan, tensors = function_plan(value, layout=layout)
    plan |= {"probe": "kernel", "launch": {"arguments": arguments, "outputs": outputs, "grid": grid, "constants": constants}}
    return plan, tensors
