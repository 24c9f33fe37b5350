"""A program for each row; what a row adds to the slope is computed once."""

import triton
import triton.language as tl


@triton.jit
def soft_argmax_backward_kernel(
    maps, saved, grad_answer, grad_maps, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr
):
    n = tl.program_id(0).to(tl.int64)
    row = tl.program_id(1)
    total = tl.load(saved + 4 * n + 3).to(tl.float32)
    # with a finite peak, exp(-inf - peak) is 0 on a blank map, too.
    peak = tl.maximum(tl.load(saved + 4 * n + 2).to(tl.float32), -3.0e38)
    inverse = tl.where(total > 0, 1.0 / total, 0.0)
    pull_x = tl.load(grad_answer + 2 * n).to(tl.float32)
    of_the_row = (row - tl.load(saved + 4 * n + 1).to(tl.float32)) * tl.load(grad_answer + 2 * n + 1).to(tl.float32)
    for start in range(0, width, BLOCK):
        column = start + tl.arange(0, BLOCK)
        logit = tl.load(maps + n * stride_map + row * stride_row + column * stride_column, mask=column < width, other=0.0)
        slope = (column - tl.load(saved + 4 * n).to(tl.float32)) * pull_x + of_the_row
        gradient = tl.exp(logit.to(tl.float32) - peak) * inverse * slope
        tl.store(grad_maps + (n * height + row) * width + column, gradient, mask=column < width)


def soft_argmax_backward_grid(maps: int, height: int, width: int, block: int) -> tuple[int, ...]:
    return (maps, height)
