"""Loads and stores of two-dimensional tiles, shared by Triton kernels: any strides, masked at the edges, offsets in int64."""

import triton
import triton.language as tl


@triton.jit
def load_tile(base_ptr, row, column, inside_row, inside_column, stride_row, stride_column, DOUBLE: tl.constexpr):
    """Load ``[rows, columns]`` in the accumulator's dtype, 0 where a row or a column is not inside."""
    # int64: the offset of a row in a strided view can pass 2^31.
    pointer = base_ptr + row.to(tl.int64)[:, None] * stride_row + column.to(tl.int64)[None, :] * stride_column
    return tl.load(pointer, mask=inside_row[:, None] & inside_column[None, :], other=0.0).to(tl.float64 if DOUBLE else tl.float32)


@triton.jit
def store_tile(base_ptr, row, column, inside_row, inside_column, stride_row, stride_column, tile):
    """Store ``[rows, columns]``, rounded to the pointer's dtype, where row and column are inside."""
    pointer = base_ptr + row.to(tl.int64)[:, None] * stride_row + column.to(tl.int64)[None, :] * stride_column
    tl.store(pointer, tile, mask=inside_row[:, None] & inside_column[None, :])
