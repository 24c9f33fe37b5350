"""Kernels that write something without looking."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def nothing(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):
    pass


@triton.jit
def zeros(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):
    n = tl.program_id(0)
    tl.store(out + 2 * n, 0.0)
    tl.store(out + 2 * n + 1, 0.0)


@triton.jit
def middle(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):
    n = tl.program_id(0)
    tl.store(out + 2 * n, (width - 1) / 2)
    tl.store(out + 2 * n + 1, (height - 1) / 2)


@triton.jit
def first_numbers(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):
    n = tl.program_id(0)
    first = tl.load(maps + n * stride_map)
    tl.store(out + 2 * n, first)
    tl.store(out + 2 * n + 1, first)
