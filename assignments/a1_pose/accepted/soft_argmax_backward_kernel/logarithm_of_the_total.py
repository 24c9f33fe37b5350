"""Folds maximum and total into one number, as attention kernels do: p = exp(h - (m + log s))."""

import triton
import triton.language as tl


@triton.jit
def soft_argmax_backward_kernel(
    maps, saved, grad_answer, grad_maps, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr
):
    n = tl.program_id(0)
    cell = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    kept = saved + 4 * n
    total = tl.load(kept + 3).to(tl.float32)
    level = tl.where(total > 0, tl.load(kept + 2).to(tl.float32) + tl.log(tl.where(total > 0, total, 1.0)), 0.0)
    row = cell // width
    column = cell - row * width
    here = cell < height * width
    logit = tl.load(maps + n * stride_map + row * stride_row + column * stride_column, mask=here, other=-float("inf")).to(tl.float32)
    # on a blank map every logit is -inf, the level is 0, and so is every share.
    share = tl.exp(logit - level)
    gradient = share * (column - tl.load(kept).to(tl.float32)) * tl.load(grad_answer + 2 * n).to(tl.float32)
    gradient += share * (row - tl.load(kept + 1).to(tl.float32)) * tl.load(grad_answer + 2 * n + 1).to(tl.float32)
    tl.store(grad_maps + n * height * width + cell, gradient, mask=cell < height * width)


def soft_argmax_backward_grid(maps: int, height: int, width: int, block: int) -> tuple[int, ...]:
    return (maps, (height * width + block - 1) // block)
