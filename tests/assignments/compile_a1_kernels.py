"""Compile the kernels in the given files for GPUs that need not be here; run by test_a1_kernels_compile.py in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


def main() -> None:
    report = {}
    for path in map(Path, sys.argv[1:]):
        spec = importlib.util.spec_from_file_location(f"kernel_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # Triton makes an argument that is 1 a constant: a map one pixel wide is another program.
        for dtype, ones in (("fp32", ()), ("fp16", ("width",)), ("fp32", ("height", "width"))):
            signature = {"maps": f"*{dtype}", "out": f"*{dtype}", "height": "i32", "width": "i32"}
            signature |= {name: "i32" for name in ("stride_map", "stride_row", "stride_column")}
            constants = {"BLOCK": 64, **{name: 1 for name in ones}}
            source = ASTSource(module.soft_argmax_kernel, signature | {name: "constexpr" for name in constants}, constexprs=constants)
            compiled = triton.compile(source, target=GPUTarget("cuda", 80, 32))
            report[f"{path.stem} {dtype} {' '.join(ones)}"] = len(compiled.asm["cubin"])
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
