"""Compile the kernels of the sampling ops for GPUs that need not be here; run by their tests in a process of its own.

``python compile_sampling_kernels.py affine_sample`` prints a JSON object: variant to whether machine code came out.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from vislab.ops import source_pixel_kernels

TYPES = {"float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64"}
# dtype of the image, of theta or the grid, compute capability, padding, align_corners, everything that can be 1 is 1, gradients asked for.
VARIANTS = [
    ("float16", "float32", 80, 0, False, False, (True, True)),
    ("bfloat16", "bfloat16", 80, 1, True, False, (True, True)),
    ("float32", "float32", 90, 2, False, False, (True, False)),
    ("float32", "float32", 75, 2, True, True, (True, True)),
    ("float64", "float32", 75, 0, True, False, (False, True)),
    ("float64", "float64", 90, 2, False, True, (True, True)),
]


def compiled(kernel, image: str, second: str, capability: int, padding: int, align_corners: bool, ones: bool, wanted) -> bool:
    """Return whether machine code came out."""
    double = "float64" in (image, second)
    wide = "fp64" if double else "fp32"
    types = {
        "theta_ptr": TYPES[second],
        "grid_ptr": TYPES[second],
        "grad_grid_ptr": TYPES[second],
        "grad_image_ptr": wide,
        "partial_ptr": wide,
    }
    block_h, block_w = source_pixel_kernels.tile(*((1, 1) if ones else (100, 100)), 512)
    every_constant = {
        "ALIGN_CORNERS": align_corners,
        "PADDING": padding,
        "DOUBLE": double,
        "WITH_IMAGE": wanted[0],
        "WITH_THETA": wanted[1],
        "WITH_GRID": wanted[1],
        "CHANNELS": 16,
        "BLOCK_H": block_h,
        "BLOCK_W": block_w,
    }
    constants = {name: value for name, value in every_constant.items() if name in kernel.arg_names}
    if ones:
        # Triton makes an argument of 1 a constant.
        constants |= {name: 1 for name in kernel.arg_names if not name.endswith("_ptr") and name not in constants}

    def numbers(name):
        # strides past 2^31 arrive as int64.
        return "i64" if capability == 90 and "stride" in name else "i32"

    signature = {
        name: "constexpr" if name in constants else f"*{types.get(name, TYPES[image])}" if name.endswith("_ptr") else numbers(name)
        for name in kernel.arg_names
    }
    source = ASTSource(kernel, signature, constexprs=constants)
    options = {"num_warps": source_pixel_kernels.warps(block_h * block_w)}
    return len(triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options).asm["cubin"]) > 0


def main(op: str) -> None:
    fused = import_module(f"vislab.ops.{op}.fused")
    report = {}
    for name, kernel in (("forward", fused._sample_kernel), ("backward", fused._gradient_kernel)):
        for image, second, capability, *options in VARIANTS:
            key = f"{name} {image} {second} sm_{capability} {options}"
            report[key] = compiled(kernel, image, second, capability, *options)
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
