"""Ignores what was saved and walks over the map twice: once for the statistics, once for the gradient."""

import triton
import triton.language as tl


@triton.jit
def soft_argmax_backward_kernel(
    maps, saved, grad_answer, grad_maps, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr
):
    n = tl.program_id(0).to(tl.int64)
    peak = -3.0e38
    total = 0.0
    sum_x = 0.0
    sum_y = 0.0
    for start in range(0, height * width, BLOCK):
        cell = start + tl.arange(0, BLOCK)
        place = maps + n * stride_map + (cell // width) * stride_row + (cell % width) * stride_column
        logit = tl.load(place, mask=cell < height * width, other=-float("inf")).to(tl.float32)
        higher = tl.maximum(peak, tl.max(logit, axis=0))
        weight = tl.exp(logit - higher)
        keep = tl.exp(peak - higher)
        total = total * keep + tl.sum(weight, axis=0)
        sum_x = sum_x * keep + tl.sum(weight * (cell % width), axis=0)
        sum_y = sum_y * keep + tl.sum(weight * (cell // width), axis=0)
        peak = higher
    divisor = tl.where(total == 0, 1.0, total)
    pull_x = tl.load(grad_answer + 2 * n).to(tl.float32) / divisor
    pull_y = tl.load(grad_answer + 2 * n + 1).to(tl.float32) / divisor
    for start in range(0, height * width, BLOCK):
        cell = start + tl.arange(0, BLOCK)
        place = maps + n * stride_map + (cell // width) * stride_row + (cell % width) * stride_column
        logit = tl.load(place, mask=cell < height * width, other=-float("inf")).to(tl.float32)
        push = (cell % width - sum_x / divisor) * pull_x + (cell // width - sum_y / divisor) * pull_y
        tl.store(grad_maps + n * (height * width) + cell, tl.exp(logit - peak) * push, mask=cell < height * width)


def soft_argmax_backward_grid(maps: int, height: int, width: int, block: int) -> tuple[int, ...]:
    return (maps,)
