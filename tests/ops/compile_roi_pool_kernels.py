"""Compile the kernels of RoI pooling for GPUs that need not be here; its test runs it in a process of its own."""

from __future__ import annotations

import json
import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from vislab.ops.roi_pool import fused

TYPES = {"float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64"}
# arguments that Triton makes constants when they are 1: one image of one pixel and channel, one bin, dense rows.
ONES = (
    *("images", "channels", "length_y", "length_x", "bins_y", "bins_x", "bins", "pixels", "outputs"),
    *("stride_h", "stride_w", "grad_stride_h", "grad_stride_w"),
)


def compiled(kernel, dtype: str, capability: int, smallest: bool) -> bool:
    """Return whether machine code came out."""
    accumulator = "fp64" if dtype == "float64" else "fp32"
    special = {"boxes_ptr": "*fp32", "index_ptr": "*i32", "argmax_ptr": "*i32", "grad_features_ptr": f"*{accumulator}"}
    pointers = {name: special.get(name, f"*{TYPES[dtype]}") for name in kernel.arg_names if name.endswith("_ptr")}
    block_c, block_p = fused._tile(1, 1) if smallest else fused._tile(64, 49)
    constants = {"DOUBLE": dtype == "float64", "BLOCK_C": block_c, "BLOCK_P": block_p, "BLOCK": fused._TILE}
    if smallest:
        constants |= dict.fromkeys(ONES, 1)
    constants = {name: value for name, value in constants.items() if name in kernel.arg_names}
    numbers = {name: "fp32" if name.startswith("scale") else "i32" for name in kernel.arg_names}
    signature = {name: "constexpr" if name in constants else pointers.get(name, numbers[name]) for name in kernel.arg_names}
    source = ASTSource(kernel, signature, constexprs=constants)
    options = {"num_warps": fused._warps(block_c * block_p)}
    return len(triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options).asm["cubin"]) > 0


def main() -> None:
    kernels = {"forward": fused._pool_kernel, "backward": fused._scatter_kernel}
    variants = [*((dtype, 80, False) for dtype in TYPES), ("float32", 90, False), ("float32", 75, True), ("float64", 75, True)]
    report = {}
    for name, kernel in kernels.items():
        for dtype, capability, smallest in variants:
            key = f"{name} {dtype} sm_{capability}{' smallest' if smallest else ''}"
            report[key] = compiled(kernel, dtype, capability, smallest)
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
