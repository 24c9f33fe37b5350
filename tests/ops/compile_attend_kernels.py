"""Compile the kernels of attend for GPUs that need not be here; run by test_attend_compiled.py in a process of its own."""

from __future__ import annotations

import json
import sys

import torch
from ahead_of_time import compiled_launches

from vislab.ops.attend import fused

# dtype, compute capability, sizes (B, T, N, A, D), mask and weights; the last has every argument at 1 that can be.
VARIANTS = [
    ("float32", 80, (2, 20, 196, 128, 200), True),
    ("bfloat16", 90, (2, 1, 64, 100, 70), True),
    ("float16", 75, (2, 1, 64, 30, 20), False),
    ("float64", 80, (1, 1, 1, 1, 1), False),
]


def run(dtype: torch.dtype, sizes: tuple[int, ...], with_mask: bool) -> None:
    batch, steps, places, hidden, width = sizes
    tensors = [
        torch.zeros(shape, dtype=dtype) for shape in ((batch, steps, hidden), (batch, places, hidden), (hidden,), (batch, places, width))
    ]
    mask = torch.ones(batch, places, dtype=torch.bool) if with_mask else None
    context, weights, stats = torch.ops.vislab.attend(*tensors, mask, with_mask)
    torch.ops.vislab.attend_backward(context, weights, *tensors, mask, stats)


def main() -> None:
    report = {}
    for dtype, capability, sizes, with_mask in VARIANTS:
        made = compiled_launches(fused, lambda: run(getattr(torch, dtype), sizes, with_mask), capability)  # noqa: B023
        report |= {f"{kernel} {dtype} sm_{capability} {sizes}": done for kernel, done in made.items()}
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
