"""Divides by the total weight also where no cell is allowed."""

import triton
import triton.language as tl


@triton.jit
def soft_argmax_kernel(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):
    n = tl.program_id(0)
    first = maps + n * stride_map
    peak = -3.0e38
    total = 0.0
    sum_x = 0.0
    sum_y = 0.0
    for start in range(0, height * width, BLOCK):
        cell = start + tl.arange(0, BLOCK)
        row = cell // width
        column = cell % width
        inside = cell < height * width
        logit = tl.load(first + row * stride_row + column * stride_column, mask=inside, other=-float("inf")).to(tl.float32)
        higher = tl.maximum(peak, tl.max(logit, axis=0))
        shrink = tl.exp(peak - higher)
        weight = tl.exp(logit - higher)
        total = total * shrink + tl.sum(weight, axis=0)
        sum_x = sum_x * shrink + tl.sum(weight * column, axis=0)
        sum_y = sum_y * shrink + tl.sum(weight * row, axis=0)
        peak = higher
    tl.store(out + 2 * n, sum_x / total)
    tl.store(out + 2 * n + 1, sum_y / total)


def soft_argmax_grid(maps: int) -> tuple[int, ...]:
    return (maps,)
