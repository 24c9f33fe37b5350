"""Takes the position off the mean: the sign is wrong."""

import triton
import triton.language as tl


@triton.jit
def soft_argmax_backward_kernel(
    maps, saved, grad_answer, grad_maps, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr
):
    n = tl.program_id(0)
    cell = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = cell < height * width
    row = cell // width
    column = cell % width
    place = maps + n * stride_map + row * stride_row + column * stride_column
    logit = tl.load(place, mask=inside, other=-float("inf")).to(tl.float32)
    x = tl.load(saved + 4 * n).to(tl.float32)
    y = tl.load(saved + 4 * n + 1).to(tl.float32)
    peak = tl.load(saved + 4 * n + 2).to(tl.float32)
    total = tl.load(saved + 4 * n + 3).to(tl.float32)
    pull_x = tl.load(grad_answer + 2 * n).to(tl.float32)
    pull_y = tl.load(grad_answer + 2 * n + 1).to(tl.float32)
    share = tl.where(total > 0, tl.exp(logit - peak) / total, 0.0)
    slope = (x - column) * pull_x + (y - row) * pull_y
    tl.store(grad_maps + n * height * width + cell, share * slope, mask=inside)


def soft_argmax_backward_grid(maps: int, height: int, width: int, block: int) -> tuple[int, ...]:
    return (maps, (height * width + block - 1) // block)
