"""Compile the kernels of a fused op for GPUs that need not be here: its own launches, with the same arguments and constants, but no launch.

``python ahead_of_time.py soft_argmax`` prints a JSON object, each kernel and variant to whether machine code came out. Triton's interpreter
must be off, so that test_*_compiled.py run it in a process of its own. The last variants of an op have every argument at 1 that can be:
Triton makes those constants.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

_POINTERS = {
    torch.float16: "*fp16",
    torch.bfloat16: "*bf16",
    torch.float32: "*fp32",
    torch.float64: "*fp64",
    torch.uint8: "*u8",
    torch.int32: "*i32",
}
_STRIDE = re.compile(r"(\w+_)?stride_\w+|[a-z]+_(axis|row|column|[a-df-ho-wz])")
_HALF, _BRAIN, _SINGLE, _DOUBLE = torch.float16, torch.bfloat16, torch.float32, torch.float64


def compiled_launches(fused: ModuleType, call: Callable[[], object], capability: int) -> dict[str, bool]:
    """Run ``call`` with every ``launch`` of ``fused`` replaced by a compilation.

    Args:
        fused: an op's kernel module, which launches through its global ``launch``.
        call: runs the op's forward and backward operators on CPU tensors; their outputs stay unwritten.
        capability: 75, 80, 90, ...; on 90 strides are int64, as they arrive past 2^31.

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
            elif isinstance(value, Tensor):
                signature[name] = _POINTERS[value.dtype]
            elif isinstance(value, int):
                signature[name] = "i64" if capability == 90 and _STRIDE.fullmatch(name) else "i32"
            else:
                signature[name] = "fp32"
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


def _sample(op: str, image: torch.dtype, second: torch.dtype, padding: int, align_corners: bool, side: int, wanted=(True, True)) -> None:
    height, width = side, max(side * 13 // 10, 1)
    pixels = torch.zeros(min(side, 2), min(side, 3), height, width, dtype=image)
    shape = (2, 3) if op == "affine_sample" else (height, width, 2)
    partner = torch.zeros(len(pixels), *shape, dtype=second)
    size = (height, width) if op == "affine_sample" else ()
    forward, backward = getattr(torch.ops.vislab, op), getattr(torch.ops.vislab, f"{op}_backward")
    output = forward(pixels, partner, *size, padding, align_corners)
    backward(output, pixels, partner, padding, align_corners, *wanted)


def _tps_sample(dtype: torch.dtype, sizes: tuple[int, ...], padding: int, align_corners: bool) -> None:
    batch, channels, height, width, out_height, out_width, count = sizes
    image = torch.zeros(batch, channels, height, width, dtype=dtype)
    wide = _DOUBLE if dtype == _DOUBLE else _SINGLE
    spline = torch.zeros(count, 2, dtype=wide), torch.zeros(batch, count + 3, 2, dtype=wide)
    output = torch.ops.vislab.tps_sample(image, *spline, out_height, out_width, padding, align_corners)
    torch.ops.vislab.tps_sample_backward(output, image, *spline, padding, align_corners, True, True)


def _soft_argmax(dtype: torch.dtype, side: int, with_variance: bool) -> None:
    heatmaps = torch.zeros(min(side, 2), min(side, 3), side, side, dtype=dtype)
    mean, variance, stats = torch.ops.vislab.soft_argmax(heatmaps, 0.3, dtype, with_variance)
    torch.ops.vislab.soft_argmax_backward(mean, variance, heatmaps, stats, 0.3)


def _gaussian_heatmaps(dtype: torch.dtype, side: int, normalise: bool, with_visibility: bool) -> None:
    poses = torch.zeros(min(side, 2), min(side, 3), 2, dtype=dtype)
    shown = torch.ones(poses.shape[:2], dtype=torch.bool) if with_visibility else None
    maps = torch.ops.vislab.gaussian_heatmaps(poses, shown, side, side, 2.0, normalise, dtype)
    torch.ops.vislab.gaussian_heatmaps_backward(maps, poses, shown, 2.0, normalise)


def _regions(dtype: torch.dtype, smallest: bool) -> tuple[Tensor, Tensor, Tensor, tuple[int, int]]:
    features = torch.zeros((1, 1, 1, 1) if smallest else (2, 64, 20, 30), dtype=dtype)
    boxes, index = torch.zeros(1 if smallest else 5, 4), torch.zeros(1 if smallest else 5, dtype=torch.int32)
    return features, boxes, index, (1, 1) if smallest else (7, 7)


def _roi_align(dtype: torch.dtype, ratio: int, aligned: bool, smallest: bool, with_features: bool = True) -> None:
    features, boxes, index, size = _regions(dtype, smallest)
    pooled = torch.ops.vislab.roi_align(features, boxes, index, *size, 0.25, ratio, aligned)
    torch.ops.vislab.roi_align_backward(pooled, features, boxes, index, 0.25, ratio, aligned, with_features, True)


def _roi_pool(dtype: torch.dtype, smallest: bool) -> None:
    features, boxes, index, size = _regions(dtype, smallest)
    pooled, argmax = torch.ops.vislab.roi_pool(features, boxes, index, *size, 0.25)
    torch.ops.vislab.roi_pool_backward(pooled, argmax, index, features.shape[0], *features.shape[2:])


def _window_pool(dtype: torch.dtype, sizes: tuple[int, ...], window: str) -> None:
    batch, channels, height, width, rows, columns = sizes
    images = torch.zeros(batch, channels, height, width, dtype=dtype)
    numbers = torch.zeros(batch, 2, dtype=_DOUBLE if dtype == _DOUBLE else _SINGLE)
    shape = (window, 0.5, 0.1, 1e-6)
    left = torch.ops.vislab.window_filters(numbers[:, 1], numbers[:, 1], rows, height, *shape, numbers.dtype)
    right = torch.ops.vislab.window_filters(numbers[:, 0], numbers[:, 0], columns, width, *shape, numbers.dtype)
    pooled = torch.ops.vislab.window_pool(left, images, right)
    grad_left = torch.ops.vislab.window_pool_side(pooled, images, right)
    torch.ops.vislab.window_filters_backward(grad_left, left, numbers[:, 1], numbers[:, 1], *shape)


def _attend(dtype: torch.dtype, sizes: tuple[int, ...], with_mask: bool) -> None:
    batch, steps, places, hidden, width = sizes
    tensors = [
        torch.zeros(shape, dtype=dtype) for shape in ((batch, steps, hidden), (batch, places, hidden), (hidden,), (batch, places, width))
    ]
    mask = torch.ones(batch, places, dtype=torch.bool) if with_mask else None
    context, weights, stats = torch.ops.vislab.attend(*tensors, mask, with_mask)
    torch.ops.vislab.attend_backward(context, weights, *tensors, mask, stats)


def _each(*arguments: object) -> list[tuple]:
    return [(80, dtype, *arguments) for dtype in (_HALF, _BRAIN, _SINGLE, _DOUBLE)]


# dtypes of the image and of its partner, padding, align_corners, a side's pixels, which gradients.
_SAMPLES = [
    (80, _HALF, _SINGLE, 0, False, 100),
    (80, _BRAIN, _BRAIN, 1, True, 100),
    (90, _SINGLE, _SINGLE, 2, False, 100, (True, False)),
    (75, _DOUBLE, _SINGLE, 0, True, 100, (False, True)),
    (75, _SINGLE, _SINGLE, 2, True, 1),
    (90, _DOUBLE, _DOUBLE, 2, False, 1),
]
# op to its forward and backward calls, and their variants: compute capability, then arguments.
CALLS: dict[str, tuple[Callable[..., None], list[tuple]]] = {
    "affine_sample": (lambda *rest: _sample("affine_sample", *rest), _SAMPLES),
    "bilinear_sample": (lambda *rest: _sample("bilinear_sample", *rest), _SAMPLES),
    "tps_sample": (
        _tps_sample,
        [
            (80, _SINGLE, (2, 3, 100, 130, 64, 64, 16), 0, False),
            (75, _HALF, (2, 3, 100, 130, 64, 64, 16), 1, True),
            (90, _BRAIN, (2, 3, 100, 130, 64, 64, 16), 2, False),
            (80, _DOUBLE, (1, 1, 1, 1, 1, 1, 3), 2, True),
        ],
    ),
    "soft_argmax": (
        _soft_argmax,
        [*_each(100, True), (90, _SINGLE, 100, False), (75, _SINGLE, 1, True), (75, _DOUBLE, 1, False)],
    ),
    "gaussian_heatmaps": (
        _gaussian_heatmaps,
        [
            *_each(100, True, True),
            (90, _SINGLE, 100, False, False),
            (75, _SINGLE, 1, True, True),
            (75, _HALF, 1, False, False),
            (75, _DOUBLE, 1, True, False),
        ],
    ),
    "roi_align": (
        _roi_align,
        [
            *_each(0, True, False),
            (90, _SINGLE, 2, False, False),
            (75, _SINGLE, 1, False, True, False),
            (75, _DOUBLE, 0, True, True, False),
        ],
    ),
    "roi_pool": (
        _roi_pool,
        [*_each(False), (90, _SINGLE, False), (75, _SINGLE, True), (75, _DOUBLE, True)],
    ),
    "window_pool": (
        _window_pool,
        [
            (80, _SINGLE, (2, 3, 100, 130, 28, 40), "gaussian"),
            (75, _HALF, (2, 3, 100, 130, 28, 40), "box"),
            (90, _BRAIN, (2, 3, 100, 130, 28, 40), "bump"),
            (80, _DOUBLE, (1, 1, 1, 1, 1, 1), "bump"),
        ],
    ),
    "attend": (
        _attend,
        [
            (80, _SINGLE, (2, 20, 196, 128, 200), True),
            (90, _BRAIN, (2, 1, 64, 100, 70), True),
            (75, _HALF, (2, 1, 64, 30, 20), False),
            (80, _DOUBLE, (1, 1, 1, 1, 1), False),
        ],
    ),
}


def main(op: str, variants: slice = slice(None)) -> None:
    fused = import_module(f"vislab.ops.{op}.fused")
    call, every = CALLS[op]
    report = {}
    for capability, *arguments in every[variants]:
        made = compiled_launches(fused, lambda: call(*arguments), capability)  # noqa: B023
        report |= {f"{kernel} sm_{capability} {arguments}": done for kernel, done in made.items()}
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
