"""A cases.h5 written by hand, by the layout in docs/architecture.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import torch
from call_plans import function_plan

SCALE = "toy.scale"
ROOT = "toy.root"
Expected = Mapping[str, tuple[torch.Tensor, str]]


def add_case(
    exercise: h5py.Group,
    name: str,
    family: str,
    plan: dict[str, Any],
    tensors: Mapping[str, torch.Tensor],
    expected: Expected,
    raises: str = "",
) -> h5py.Group:
    """Write one case; ``expected`` maps wire names to the value and the dtype the answer must have."""
    group = exercise.create_group(str(len(exercise)))
    group.attrs.update({"name": name, "family": family, "plan": json.dumps(plan), "raises": raises})
    for label, tensor in tensors.items():
        half = tensor.dtype is torch.bfloat16
        dataset = group.create_dataset(f"inputs/{label}", data=(tensor.float() if half else tensor).numpy())
        dataset.attrs["dtype"] = str(tensor.dtype).removeprefix("torch.")
    for label, (value, dtype) in expected.items():
        dataset = group.create_dataset(f"expected/{label}", data=value.double().numpy())
        dataset.attrs.update({"atol": 1e-4, "bias": 1e-4, "dtype": dtype})
    return group


def write_cases(path: Path) -> None:
    """Two exercises: ``toy.scale`` doubles a map of points, ``toy.root`` refuses negative numbers."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(3, 2, generator=generator) * 10 + 1
    cotangent = torch.rand(3, 2, generator=generator)
    with h5py.File(path, "w") as file:
        file.attrs.update({"schema": 1, "assignment": "t1_toy"})
        scale = file.create_group(SCALE)
        scale.attrs["hidden_families"] = json.dumps(["value", "stability", "edge"])
        plan, tensors = function_plan(points, tripwires=["ready_solutions.double"], forbidden=["torch.multiply"])
        add_case(scale, "three points", "value", plan, tensors, {"out.0": (2 * points, "float32")})
        plan, tensors = function_plan(points, cotangents=(cotangent,), wrt=(0,))
        add_case(scale, "gradient", "gradient", plan, tensors, {"out.0": (2 * points, "float32"), "grad.0": (2 * cotangent, "float32")})
        plan, tensors = function_plan(points.bfloat16())
        add_case(scale, "bfloat16", "dtype", plan, tensors, {"out.0": (2 * points.bfloat16(), "bfloat16")})
        root = file.create_group(ROOT)
        plan, tensors = function_plan(torch.tensor([4.0, 9.0]))
        add_case(root, "squares", "value", plan, tensors, {"out.0": (torch.tensor([2.0, 3.0]), "float32")})
        plan, tensors = function_plan(torch.tensor([-1.0]))
        add_case(root, "a negative number", "edge", plan, tensors, {}, raises="ValueError")
