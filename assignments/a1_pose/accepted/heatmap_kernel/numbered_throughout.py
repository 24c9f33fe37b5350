"""One row of programs over the cells of all maps; a block may end in one map and begin in the next."""

import triton
import triton.language as tl


@triton.jit
def heatmap_kernel(positions, visible, out, height, width, sigma, stride_joint, stride_axis, BLOCK: tl.constexpr):
    cells = height * width
    blocks = (cells + BLOCK - 1) // BLOCK
    program = tl.program_id(0)
    n = (program // blocks).to(tl.int64)
    cell = program % blocks * BLOCK + tl.arange(0, BLOCK)
    shown = tl.load(visible + n) != 0
    if shown:
        x = tl.load(positions + n * stride_joint).to(tl.float32)
        y = tl.load(positions + n * stride_joint + stride_axis).to(tl.float32)
        row = cell // width
        column = cell - row * width
        distance = tl.sqrt((column - x) * (column - x) + (row - y) * (row - y)) / sigma
        tl.store(out + n * cells + cell, tl.exp(-distance * distance / 2), mask=cell < cells)
    else:
        tl.store(out + n * cells + cell, tl.zeros((BLOCK,), tl.float32), mask=cell < cells)


def heatmap_grid(joints: int, height: int, width: int, block: int) -> tuple[int, ...]:
    return (joints * -(-height * width // block),)
