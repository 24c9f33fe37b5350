"""One program for each map, with a loop over its blocks."""

import triton
import triton.language as tl


@triton.jit
def heatmap_kernel(positions, visible, out, height, width, sigma, stride_joint, stride_axis, BLOCK: tl.constexpr):
    n = tl.program_id(0).to(tl.int64)
    first = out + n * (height * width)
    shown = tl.load(visible + n) > 0
    x = tl.load(positions + n * stride_joint, mask=shown, other=0.0).to(tl.float32)
    y = tl.load(positions + n * stride_joint + stride_axis, mask=shown, other=0.0).to(tl.float32)
    height_at_joint = tl.where(shown, 1.0, 0.0)
    for start in range(0, height * width, BLOCK):
        cell = start + tl.arange(0, BLOCK)
        across = (cell % width - x) / sigma
        down = (cell // width - y) / sigma
        tl.store(first + cell, height_at_joint * tl.exp(-0.5 * (across * across + down * down)), mask=cell < height * width)


def heatmap_grid(joints: int, height: int, width: int, block: int) -> tuple[int, ...]:
    return (joints,)
