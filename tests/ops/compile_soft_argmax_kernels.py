"""Compile the kernels of soft-argmax for GPUs that need not be here; run by test_soft_argmax_compiled.py in a process of its own."""

from __future__ import annotations

import json
import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from vislab.ops.soft_argmax import fused

TYPES = {"float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64"}
# arguments that Triton makes constants when they are 1: a map of one pixel, one joint, dense rows.
ONES = ("joints", "height", "width", "stride_h", "stride_w", "grad_stride_h", "grad_stride_w")


def compiled(kernel, dtype: str, capability: int, with_variance: bool, single_pixel: bool) -> bool:
    """Return whether machine code came out."""
    short, accumulator = TYPES[dtype], "fp64" if dtype == "float64" else "fp32"
    pointers = {name: f"*{accumulator if name == 'stats_ptr' else short}" for name in kernel.arg_names if name.endswith("_ptr")}
    block_h, block_w = fused._tile(1, 1, 4096) if single_pixel else fused._tile(100, 100, 4096)
    constants = {"DOUBLE": dtype == "float64", "WITH_VARIANCE": with_variance, "BLOCK_H": block_h, "BLOCK_W": block_w}
    if single_pixel:
        constants |= {name: 1 for name in ONES if name in kernel.arg_names}
    numbers = {name: "fp32" if name.startswith("rate") else "i32" for name in kernel.arg_names}
    signature = {name: "constexpr" if name in constants else pointers.get(name, numbers[name]) for name in kernel.arg_names}
    source = ASTSource(kernel, signature, constexprs=constants)
    options = {"num_warps": fused._warps(block_h * block_w)}
    return len(triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options).asm["cubin"]) > 0


def main() -> None:
    kernels = {"forward": fused._moments_kernel, "backward": fused._gradient_kernel}
    every_dtype = [(dtype, 80, True, False) for dtype in TYPES]
    variants = [*every_dtype, ("float32", 90, False, False), ("float32", 75, True, True), ("float64", 75, False, True)]
    report = {}
    for name, kernel in kernels.items():
        for dtype, capability, with_variance, single_pixel in variants:
            key = f"{name} {dtype} sm_{capability}{' variance' if with_variance else ''}{' one pixel' if single_pixel else ''}"
            report[key] = compiled(kernel, dtype, capability, with_variance, single_pixel)
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
