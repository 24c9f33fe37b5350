"""A program for each row of each map; the row's factor of the bump is computed once."""

import triton
import triton.language as tl


@triton.jit
def heatmap_kernel(positions, visible, out, height, width, sigma, stride_joint, stride_axis, BLOCK: tl.constexpr):
    n = tl.program_id(0).to(tl.int64)
    row = tl.program_id(1)
    steep = -1.4426950408889634 / (2 * sigma * sigma)
    hidden = tl.load(visible + n) == 0
    x = tl.load(positions + n * stride_joint).to(tl.float32)
    down = row - tl.load(positions + n * stride_joint + stride_axis).to(tl.float32)
    factor = tl.exp2(down * down * steep)
    for start in range(0, width, BLOCK):
        column = start + tl.arange(0, BLOCK)
        across = column - x
        value = tl.where(hidden, 0.0, tl.exp2(across * across * steep) * factor)
        tl.store(out + (n * height + row) * width + column, value, mask=column < width)


def heatmap_grid(joints: int, height: int, width: int, block: int) -> tuple[int, ...]:
    return (joints, height)
