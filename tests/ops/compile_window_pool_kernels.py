"""Compile the kernels of window_pool for GPUs that need not be here; run by test_window_pool_compiled.py in a process of its own."""

from __future__ import annotations

import json
import sys

import torch
from ahead_of_time import compiled_launches

from vislab.ops.window_pool import fused

# dtype of images, compute capability, sizes (B, C, H, W, h, w), window; the last has every argument at 1 that can be.
VARIANTS = [
    ("float32", 80, (2, 3, 100, 130, 28, 40), "gaussian"),
    ("float16", 75, (2, 3, 100, 130, 28, 40), "box"),
    ("bfloat16", 90, (2, 3, 100, 130, 28, 40), "bump"),
    ("float64", 80, (1, 1, 1, 1, 1, 1), "bump"),
]


def run(dtype: torch.dtype, sizes: tuple[int, ...], window: str) -> None:
    batch, channels, height, width, rows, columns = sizes
    images = torch.zeros(batch, channels, height, width, dtype=dtype)
    numbers = torch.zeros(batch, 2, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    shape = (window, 0.5, 0.1, 1e-6)
    left = torch.ops.vislab.window_filters(numbers[:, 1], numbers[:, 1], rows, height, *shape, numbers.dtype)
    right = torch.ops.vislab.window_filters(numbers[:, 0], numbers[:, 0], columns, width, *shape, numbers.dtype)
    pooled = torch.ops.vislab.window_pool(left, images, right)
    grad_left = torch.ops.vislab.window_pool_side(pooled, images, right)
    torch.ops.vislab.window_filters_backward(grad_left, left, numbers[:, 1], numbers[:, 1], *shape)


def main() -> None:
    report = {}
    for dtype, capability, sizes, window in VARIANTS:
        made = compiled_launches(fused, lambda: run(getattr(torch, dtype), sizes, window), capability)  # noqa: B023
        report |= {f"{kernel} {dtype} sm_{capability} {sizes}": done for kernel, done in made.items()}
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
