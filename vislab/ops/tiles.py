"""Two-dimensional tiles, shared by Triton kernels: which one a program has, loads and stores of any strides, masked at the edges."""

import triton
import triton.language as tl


@triton.jit
def tile_of(program, rows, columns, BLOCK_ROWS: tl.constexpr, BLOCK_COLUMNS: tl.constexpr):
    """Return which matrix of a batch a program works on, its tile's rows and its tile's columns.

    The tiles of one matrix are neighbours, row by row. ``program`` is int64, and so is the matrix: its offset can pass 2^31.
    """
    tiles_across = tl.cdiv(columns, BLOCK_COLUMNS)
    tiles = tiles_across * tl.cdiv(rows, BLOCK_ROWS)
    tile = (program % tiles).to(tl.int32)
    row = (tile // tiles_across) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    column = (tile % tiles_across) * BLOCK_COLUMNS + tl.arange(0, BLOCK_COLUMNS)
    return program // tiles, row, column


@triton.jit
def exact(high, low, ACC: tl.constexpr):
    """Put a number together again that ``high_and_low`` split."""
    return tl.full((), high, ACC) + tl.full((), low, ACC)


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
