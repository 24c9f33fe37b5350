"""Compile the launches of a fused op for GPUs that need not be here: same kernels, same arguments, same constants, no launch.

For processes without Triton's interpreter; ``compile_<op>_kernels.py`` are the scripts that use it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

_POINTERS = {torch.float16: "*fp16", torch.bfloat16: "*bf16", torch.float32: "*fp32", torch.float64: "*fp64", torch.uint8: "*u8"}


def compiled_launches(fused: ModuleType, call: Callable[[], object], capability: int) -> dict[str, bool]:
    """Run ``call`` with every ``launch`` of ``fused`` replaced by a compilation.

    Args:
        fused: an op's kernel module, which launches through its global ``launch``.
        call: runs the op's forward and backward operators on CPU tensors; their outputs stay unwritten.
        capability: 75, 80, 90, ...

    Returns:
        Kernel name to whether machine code came out. Triton's own rule for constants is kept: an integer argument of 1 is one.
    """
    report: dict[str, bool] = {}

    def compile_instead(kernel, programs, near, *arguments, num_warps=4, **constants):
        assert programs > 0
        given = dict(zip(kernel.arg_names, arguments, strict=False)) | constants
        assert set(given) == set(kernel.arg_names), set(given) ^ set(kernel.arg_names)
        fixed, signature = dict(constants), {}
        for name in kernel.arg_names:
            value = given[name]
            if name in constants or (isinstance(value, int) and value == 1):
                fixed[name], signature[name] = value, "constexpr"
            elif isinstance(value, torch.Tensor):
                signature[name] = _POINTERS[value.dtype]
            else:
                signature[name] = "i32" if isinstance(value, int) else "fp32"
        source = ASTSource(kernel, signature, constexprs=fixed)
        made = triton.compile(source, target=GPUTarget("cuda", capability, 32), options={"num_warps": num_warps})
        report[kernel.__name__] = report.get(kernel.__name__, True) and len(made.asm["cubin"]) > 0

    before = fused.launch
    fused.launch = compile_instead
    try:
        call()
    finally:
        fused.launch = before
    return report
