# %% [markdown]
# # Kernel
#
# One program for each block of each row.

# %% setup=true
import torch
import triton
import triton.language as tl

from vislab.check import check

# %% exercise="range.scale_rows"
@triton.jit
def scale_rows(rows, out, width, factor, row_step, column_step, BLOCK: tl.constexpr):
    """Each element times a factor, ``[H, W]`` to ``[H, W]``; the output is contiguous."""
    ### BEGIN SOLUTION
    row = tl.program_id(0)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < width
    values = tl.load(rows + row * row_step + columns * column_step, mask=inside)
    tl.store(out + row * width + columns, values * factor, mask=inside)
    ### END SOLUTION


def scale_grid(height, width, block):
    """Programs along rows and blocks."""
    ### BEGIN SOLUTION
    return (height, triton.cdiv(width, block))
    ### END SOLUTION


# %% check="range.scale_rows"
check("range.scale_rows", scale_rows, grid=scale_grid)
