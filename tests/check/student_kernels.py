"""Kernels as students write them, right and wrong. A file of their own: Triton reads a kernel's source from one."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def row_sums(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    values = tl.load(x + row * stride_row + lane * stride_column, mask=lane < width, other=0.0)
    tl.store(out + row, tl.sum(values, axis=0))


@triton.jit
def contiguous_only(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    values = tl.load(x + row * width + lane, mask=lane < width, other=0.0)
    tl.store(out + row, tl.sum(values, axis=0))


@triton.jit
def one_row_too_far(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    values = tl.load(x + row * stride_row + lane * stride_column, mask=lane < width, other=0.0)
    tl.store(out + row, tl.sum(values, axis=0))
    tl.store(out + row + 1, tl.sum(values, axis=0))


@triton.jit
def before_its_output(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    values = tl.load(x + row * stride_row + lane * stride_column, mask=lane < width, other=0.0)
    tl.store(out + row, tl.sum(values, axis=0))
    tl.store(out - 1, 0.0)


@triton.jit
def first_row_only(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    if tl.program_id(0) == 0:
        lane = tl.arange(0, BLOCK)
        tl.store(out, tl.sum(tl.load(x + lane * stride_column, mask=lane < width, other=0.0), axis=0))


@triton.jit
def spoils_its_input(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    pointers = x + row * stride_row + lane * stride_column
    values = tl.load(pointers, mask=lane < width, other=0.0)
    tl.store(pointers, values * 0, mask=lane < width)
    tl.store(out + row, tl.sum(values, axis=0))


@triton.jit
def no_work(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    pass


@triton.jit
def stub(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    raise NotImplementedError


@triton.jit
def broken(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    tl.store(out, tl.load(x) + tl.arange(0, BLOCK) + tl.arange(0, 2 * BLOCK))


@triton.jit
def unknown_name(x, out, BLOCK: tl.constexpr):
    tl.store(out, bogus)  # noqa: F821


@triton.jit
def row_sums_of_exponentials(x, out, width, stride_row, stride_column, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    values = tl.load(x + row * stride_row + lane * stride_column, mask=lane < width, other=-float("inf"))
    tl.store(out + row, tl.sum(tl.exp(values), axis=0))
