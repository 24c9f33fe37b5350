"""Compile the kernels in the given files for GPUs that need not be here; run by test_a*_kernels*.py in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

MAP_STRIDES = ("stride_map", "stride_row", "stride_column")
OUTLINE = ("points", "height", "width", "stride_polygon", "stride_axis", "stride_point")
# kernel -> names of its parameters by type; pointers to the dtype of the case, to bytes, whole numbers, float numbers.
PARAMETERS = {
    "heatmap_kernel": (("positions", "out"), ("visible",), ("height", "width", "stride_joint", "stride_axis"), ("sigma",)),
    "soft_argmax_kernel": (("maps", "out"), (), ("height", "width", *MAP_STRIDES), ()),
    "soft_argmax_backward_kernel": (("maps", "saved", "grad_answer", "grad_maps"), (), ("height", "width", *MAP_STRIDES), ()),
    "coverage_kernel": (("polygons", "out"), (), OUTLINE, ("extent", "tau")),
    "coverage_backward_kernel": (("polygons", "pull", "out"), (), OUTLINE, ("extent", "tau")),
}
INNERMOST = {
    "heatmap_kernel": "stride_axis",
    "soft_argmax_kernel": "stride_column",
    "soft_argmax_backward_kernel": "stride_column",
    "coverage_kernel": "stride_point",
    "coverage_backward_kernel": "stride_point",
}


def variants(symbol: str) -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """Return compute capability, dtype, and which whole numbers are 1: Triton makes a constant of such, so one pixel is another program."""
    if symbol.startswith("coverage"):
        return (75, "fp32", (INNERMOST[symbol],)), (80, "fp16", ("width",)), (90, "fp32", ("height", "width"))
    return (80, "fp32", (INNERMOST[symbol],)), (80, "fp16", ("width",)), (80, "fp32", ("height", "width"))


def source(kernel: object, symbol: str, dtype: str, ones: Sequence[str]) -> ASTSource:
    """Describe one launch to the compiler."""
    pointers, to_bytes, whole, real = PARAMETERS[symbol]
    signature = {name: f"*{dtype}" for name in pointers} | {name: "*u8" for name in to_bytes}
    signature |= {name: "i32" for name in whole} | {name: "fp32" for name in real}
    sizes = {"BLOCK": 64} | ({"VERTICES": 32} if "VERTICES" in kernel.arg_names else {})
    constants = sizes | {name: 1 for name in ones}
    return ASTSource(kernel, signature | {name: "constexpr" for name in constants}, constexprs=constants)


def main() -> None:
    """Print the sizes of what was compiled, and to standard error what was refused; exit 1 where anything was."""
    report, refused = {}, False
    for path in map(Path, sys.argv[1:]):
        spec = importlib.util.spec_from_file_location(f"kernel_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        (symbol,) = [name for name in PARAMETERS if hasattr(module, name)]
        for capability, dtype, ones in variants(symbol):
            try:
                made = triton.compile(source(getattr(module, symbol), symbol, dtype, ones), target=GPUTarget("cuda", capability, 32))
            except Exception as error:
                print(f"{path.stem} {dtype}: {error}", file=sys.stderr)
                refused = True
                break
            report[f"{symbol} {path.stem} sm_{capability} {dtype} {' '.join(ones)}"] = len(made.asm["cubin"])
    json.dump(report, sys.stdout)
    sys.exit(refused)


if __name__ == "__main__":
    main()
