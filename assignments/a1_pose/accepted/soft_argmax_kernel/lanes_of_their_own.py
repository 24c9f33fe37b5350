"""Keeps one running maximum and one set of sums for every lane of the block, and merges the lanes once at the end."""

import triton
import triton.language as tl


@triton.jit
def soft_argmax_kernel(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):
    n = tl.program_id(0).to(tl.int64)
    lane = tl.arange(0, BLOCK)
    peak = tl.full((BLOCK,), -3.0e38, tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    sum_x = tl.zeros((BLOCK,), tl.float32)
    sum_y = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, height * width, BLOCK):
        cell = start + lane
        row = cell // width
        column = cell - row * width
        pointers = maps + n * stride_map + row * stride_row + column * stride_column
        logit = tl.load(pointers, mask=cell < height * width, other=-float("inf")).to(tl.float32)
        higher = tl.maximum(peak, logit)
        shrink = tl.exp(peak - higher)
        weight = tl.exp(logit - higher)
        total = total * shrink + weight
        sum_x = sum_x * shrink + weight * column
        sum_y = sum_y * shrink + weight * row
        peak = higher
    shrink = tl.exp(peak - tl.max(peak, axis=0))
    all_total = tl.sum(total * shrink, axis=0)
    all_x = tl.sum(sum_x * shrink, axis=0)
    all_y = tl.sum(sum_y * shrink, axis=0)
    if all_total > 0:
        tl.store(out + 2 * n, all_x / all_total)
        tl.store(out + 2 * n + 1, all_y / all_total)
    else:
        tl.store(out + 2 * n, (width - 1) / 2)
        tl.store(out + 2 * n + 1, (height - 1) / 2)


def soft_argmax_grid(maps: int) -> tuple[int, ...]:
    return (maps,)
