"""Compile the kernels of Gaussian heatmaps for GPUs that need not be here; its test runs it in a process of its own."""

from __future__ import annotations

import json
import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from vislab.ops.gaussian_heatmaps import fused

TYPES = {"float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64"}
# arguments that Triton makes constants when they are 1: a map of one pixel, one joint, dense rows.
ONES = ("joints", "height", "width", "stride_h", "stride_w")


def compiled(kernel, dtype: str, capability: int, normalise: bool, visibility: bool, single_pixel: bool) -> bool:
    """Return whether machine code came out."""
    height, width = (1, 1) if single_pixel else (100, 100)
    pointers = {
        name: f"*{'u8' if name == 'shown_ptr' and visibility else TYPES[dtype]}" for name in kernel.arg_names if name.endswith("_ptr")
    }
    block_h, block_w = fused._tile(height, width)
    constants = {"DOUBLE": dtype == "float64", "NORMALISE": normalise, "WITH_VISIBILITY": visibility}
    constants |= {"BLOCK_H": block_h, "BLOCK_W": block_w, "STRIP_H": fused._strip(height), "STRIP_W": fused._strip(width)}
    if single_pixel:
        constants |= {name: 1 for name in ONES if name in kernel.arg_names}
    numbers = {name: "fp32" if name.startswith("rate") else "i32" for name in kernel.arg_names}
    signature = {name: "constexpr" if name in constants else pointers.get(name, numbers[name]) for name in kernel.arg_names}
    source = ASTSource(kernel, signature, constexprs=constants)
    options = {"num_warps": fused._warps(block_h * block_w)}
    return len(triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options).asm["cubin"]) > 0


def main() -> None:
    kernels = {"forward": fused._render_kernel, "backward": fused._gradient_kernel}
    every_dtype = [(dtype, 80, True, True, False) for dtype in TYPES]
    variants = [
        *every_dtype,
        ("float32", 90, False, False, False),
        ("float32", 75, True, True, True),
        ("float16", 75, False, False, True),
        ("float64", 75, True, False, True),
    ]
    report = {}
    for name, kernel in kernels.items():
        for dtype, capability, normalise, visibility, single_pixel in variants:
            words = [name, dtype, f"sm_{capability}", "sum" if normalise else "peak"]
            words += ["visibility"] * visibility + ["one pixel"] * single_pixel
            report[" ".join(words)] = compiled(kernel, dtype, capability, normalise, visibility, single_pixel)
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
