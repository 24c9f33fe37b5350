"""Compile the kernels of RoIAlign for GPUs that need not be here; its test runs it in a process of its own."""

from __future__ import annotations

import json
import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from vislab.ops.roi_align import fused

TYPES = {"float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64"}
# arguments that Triton makes constants when they are 1: one image of one pixel and channel, one bin, one sample, dense rows.
ONES = (
    *("images", "channels", "length_y", "length_x", "bins_y", "bins_x", "ratio"),
    *("stride_h", "stride_w", "target_stride_h", "target_stride_w", "grad_stride_h", "grad_stride_w"),
)


def compiled(kernel, dtype: str, capability: int, adaptive: bool, aligned: bool, smallest: bool) -> bool:
    """Return whether machine code came out."""
    accumulator = "fp64" if dtype == "float64" else "fp32"
    special = {"boxes_ptr": "*fp32", "index_ptr": "*i32", "grad_features_ptr": f"*{accumulator}", "sides_ptr": f"*{accumulator}"}
    pointers = {name: special.get(name, f"*{TYPES[dtype]}") for name in kernel.arg_names if name.endswith("_ptr")}
    block_c, block_p = fused._tile(1, 1) if smallest else fused._tile(64, 49)
    constants = {"DOUBLE": dtype == "float64", "ADAPTIVE": adaptive, "ALIGNED": aligned, "BLOCK_C": block_c, "BLOCK_P": block_p}
    constants |= {name: not smallest or name == "WITH_BOXES" for name in ("WITH_FEATURES", "WITH_BOXES") if name in kernel.arg_names}
    if smallest:
        constants |= {name: 1 for name in ONES if name in kernel.arg_names}
    numbers = {name: "fp32" if name.startswith("scale") else "i32" for name in kernel.arg_names}
    signature = {name: "constexpr" if name in constants else pointers.get(name, numbers[name]) for name in kernel.arg_names}
    source = ASTSource(kernel, signature, constexprs=constants)
    options = {"num_warps": fused._warps(block_c * block_p)}
    return len(triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options).asm["cubin"]) > 0


def main() -> None:
    kernels = {"forward": fused._pool_kernel, "backward": fused._gradient_kernel}
    every_dtype = [(dtype, 80, True, True, False) for dtype in TYPES]
    variants = [*every_dtype, ("float32", 90, False, False, False), ("float32", 75, False, False, True), ("float64", 75, True, True, True)]
    report = {}
    for name, kernel in kernels.items():
        for dtype, capability, adaptive, aligned, smallest in variants:
            words = [name, dtype, f"sm_{capability}"] + ["adaptive"] * adaptive + ["aligned"] * aligned + ["smallest"] * smallest
            report[" ".join(words)] = compiled(kernel, dtype, capability, adaptive, aligned, smallest)
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
