"""Compile the kernels of tps_sample for GPUs that need not be here; run by test_tps_sample_compiled.py in a process of its own."""

from __future__ import annotations

import json
import sys

import torch
from ahead_of_time import compiled_launches

from vislab.ops.tps_sample import fused

# dtype of images, compute capability, sizes (B, C, H, W, H_out, W_out, K), padding, align_corners; the last has every argument at 1 that
# can be.
VARIANTS = [
    ("float32", 80, (2, 3, 100, 130, 64, 64, 16), 0, False),
    ("float16", 75, (2, 3, 100, 130, 64, 64, 16), 1, True),
    ("bfloat16", 90, (2, 3, 100, 130, 64, 64, 16), 2, False),
    ("float64", 80, (1, 1, 1, 1, 1, 1, 3), 2, True),
]


def run(dtype: torch.dtype, sizes: tuple[int, ...], padding: int, align_corners: bool) -> None:
    batch, channels, height, width, out_height, out_width, count = sizes
    image = torch.zeros(batch, channels, height, width, dtype=dtype)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    spline = torch.zeros(count, 2, dtype=wide), torch.zeros(batch, count + 3, 2, dtype=wide)
    output = torch.ops.vislab.tps_sample(image, *spline, out_height, out_width, padding, align_corners)
    torch.ops.vislab.tps_sample_backward(output, image, *spline, padding, align_corners, True, True)


def main() -> None:
    report = {}
    for dtype, capability, sizes, padding, align_corners in VARIANTS:
        made = compiled_launches(fused, lambda: run(getattr(torch, dtype), sizes, padding, align_corners), capability)  # noqa: B023
        report |= {f"{kernel} {dtype} sm_{capability} {sizes}": done for kernel, done in made.items()}
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
