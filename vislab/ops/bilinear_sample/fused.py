"""Bilinear sampling as Triton kernels: each position is read once forward and once backward, and serves all channels."""

from functools import partial

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import refuse_compiled_kernel_on_cpu
from vislab.ops.precision import accumulator
from vislab.ops.safe_grid_sample import safe_grid_sample
from vislab.ops.sampling_arguments import PADDINGS
from vislab.ops.source_pixel_kernels import (
    add_four,
    alert_not_deterministic,
    neighbours,
    read_four,
    source_position,
    tile,
    warps,
)

# positions that one program holds at a time, and channels that it walks over forward; backward it walks over all.
_TILE = 512
_CHANNELS = 16


def bilinear_sample_fused(image: Tensor, grid: Tensor, padding: str, align_corners: bool) -> Tensor:
    """Compute ``bilinear_sample`` by the kernels of this file; arguments as there, already checked.

    Raises:
        RuntimeError: an image on a CPU while Triton's interpreter is off; a backward pass to the image on a GPU under
            ``torch.use_deterministic_algorithms(True)``.
    """
    refuse_compiled_kernel_on_cpu("image", image, _sample_kernel)
    return _forward(image, grid, PADDINGS[padding], align_corners)


def _save_for_backward(ctx, inputs, output):
    image, grid, *ctx.options = inputs
    ctx.save_for_backward(image, grid)


def _first_order(ctx, upstream):
    image, grid = ctx.saved_tensors
    with_image, with_grid = ctx.needs_input_grad[:2]
    grad_image, grad_grid = _backward(upstream, image, grid, *ctx.options, with_image, with_grid)
    return grad_image if with_image else None, grad_grid if with_grid else None, None, None


def _save_for_second_order(ctx, inputs, output):
    ctx.save_for_backward(*inputs[:3])
    ctx.options = inputs[3:]


def _second_order(ctx, *upstream):
    # rare (a gradient penalty), so left to PyTorch.
    padding, align_corners, *wanted = ctx.options
    pull_back = torch.func.vjp(partial(_gradient, padding, align_corners, wanted), *ctx.saved_tensors)[1]
    return *pull_back(tuple(grad for grad, asked in zip(upstream, wanted, strict=True) if asked)), None, None, None, None


def _gradient(padding, align_corners, wanted, upstream, image, grid):
    """What the backward kernel computes, in PyTorch's own ops, so that it can be differentiated again."""
    name = {number: name for name, number in PADDINGS.items()}[padding]
    wide = accumulator(image.dtype, grid.dtype)

    def sample(image, grid):
        return safe_grid_sample(image.to(wide), grid.to(wide), name, align_corners)

    grads = torch.func.vjp(sample, image, grid)[1](upstream.to(wide))
    return tuple(grad for grad, asked in zip(grads, wanted, strict=True) if asked)


@torch.library.custom_op(
    "vislab::bilinear_sample",
    mutates_args=(),
    schema="(Tensor image, Tensor grid, int padding, bool align_corners) -> Tensor",
)
def _forward(image, grid, padding, align_corners):
    output = _forward_output(image, grid, padding, align_corners)
    if output.numel():
        batch, channels, height, width = image.shape
        out_height, out_width = grid.shape[1:3]
        block_h, block_w = tile(out_height, out_width, _TILE)
        programs = batch * triton.cdiv(out_height, block_h) * triton.cdiv(out_width, block_w) * triton.cdiv(channels, _CHANNELS)
        with torch.cuda.device_of(image):
            # all programs on axis 0: the other axes of a launch grid end at 65535.
            _sample_kernel[(programs,)](
                image,
                grid,
                output,
                channels,
                height,
                width,
                out_height,
                out_width,
                *image.stride(),
                *grid.stride(),
                ALIGN_CORNERS=align_corners,
                PADDING=padding,
                DOUBLE=accumulator(image.dtype, grid.dtype) == torch.float64,
                CHANNELS=_CHANNELS,
                BLOCK_H=block_h,
                BLOCK_W=block_w,
                num_warps=warps(block_h * block_w),
            )
    return output


@torch.library.custom_op(
    "vislab::bilinear_sample_backward",
    mutates_args=(),
    schema="(Tensor upstream, Tensor image, Tensor grid, int padding, bool align_corners, bool with_image, bool with_grid)"
    " -> (Tensor, Tensor)",
)
def _backward(upstream, image, grid, padding, align_corners, with_image, with_grid):
    batch, channels, height, width = image.shape
    out_height, out_width = grid.shape[1:3]
    wide = accumulator(image.dtype, grid.dtype)
    # a half-precision image's gradient is added up in float32 and rounded once.
    grad_image = torch.zeros_like(image, dtype=wide) if with_image else image.new_empty(0, dtype=wide)
    # without channels no program runs, and nothing depends on the grid.
    grad_grid = (torch.empty_like(grid) if channels else torch.zeros_like(grid)) if with_grid else grid.new_empty(0)
    if upstream.numel() and (with_image or with_grid):
        if with_image:
            alert_not_deterministic("bilinear_sample", image)
        block_h, block_w = tile(out_height, out_width, _TILE)
        programs = batch * triton.cdiv(out_height, block_h) * triton.cdiv(out_width, block_w)
        with torch.cuda.device_of(image):
            _gradient_kernel[(programs,)](
                upstream,
                image,
                grid,
                grad_image,
                grad_grid,
                channels,
                height,
                width,
                out_height,
                out_width,
                *upstream.stride(),
                *image.stride(),
                *grid.stride(),
                *(grad_image.stride() if with_image else (0, 0, 0, 0)),
                *(grad_grid.stride() if with_grid else (0, 0, 0, 0)),
                ALIGN_CORNERS=align_corners,
                PADDING=padding,
                DOUBLE=wide == torch.float64,
                WITH_IMAGE=with_image,
                WITH_GRID=with_grid,
                BLOCK_H=block_h,
                BLOCK_W=block_w,
                num_warps=warps(block_h * block_w),
            )
    return grad_image.to(image.dtype), grad_grid


def _forward_output(image, grid, padding, align_corners):
    return image.new_empty((*image.shape[:2], *grid.shape[1:3]))


def _backward_outputs(upstream, image, grid, padding, align_corners, with_image, with_grid):
    grad_image = torch.empty_like(image) if with_image else image.new_empty(0)
    return grad_image, torch.empty_like(grid) if with_grid else grid.new_empty(0)


_forward.register_fake(_forward_output)
_forward.register_autograd(_first_order, setup_context=_save_for_backward)
_backward.register_fake(_backward_outputs)
_backward.register_autograd(_second_order, setup_context=_save_for_second_order)


@triton.jit
def _position(norm, size, ALIGN_CORNERS: tl.constexpr, ACC: tl.constexpr):
    """Turn normalised coordinates into pixels; also return how many pixels a unit is."""
    count = tl.full((), size, ACC)
    unit = (count - 1.0) * 0.5 if ALIGN_CORNERS else count * 0.5
    return norm * unit + (count - 1.0) * 0.5, unit


@triton.jit
def _sample_kernel(
    image_ptr,
    grid_ptr,
    output_ptr,
    channels,
    height,
    width,
    out_height,
    out_width,
    stride_b,
    stride_c,
    stride_h,
    stride_w,
    grid_stride_b,
    grid_stride_h,
    grid_stride_w,
    grid_stride_axis,
    ALIGN_CORNERS: tl.constexpr,
    PADDING: tl.constexpr,
    DOUBLE: tl.constexpr,
    CHANNELS: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_W: tl.constexpr,
):
    """One program a tile of positions and a few channels: positions once, then four reads and a write a channel."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    tiles_w = tl.cdiv(out_width, BLOCK_W)
    tiles = tiles_w * tl.cdiv(out_height, BLOCK_H)
    groups = tl.cdiv(channels, CHANNELS)
    program = tl.program_id(0).to(tl.int64)
    sample = program // (tiles * groups)
    tile_index = ((program // groups) % tiles).to(tl.int32)
    first = (program % groups) * CHANNELS

    row = (tile_index // tiles_w) * BLOCK_H + tl.arange(0, BLOCK_H)
    column = (tile_index % tiles_w) * BLOCK_W + tl.arange(0, BLOCK_W)
    inside = (row < out_height)[:, None] & (column < out_width)[None, :]
    # int64: the offset of a row in a strided view can pass 2^31.
    row_offset = row.to(tl.int64)[:, None]
    column_offset = column.to(tl.int64)[None, :]
    norm_ptr = grid_ptr + sample * grid_stride_b + row_offset * grid_stride_h + column_offset * grid_stride_w
    x, _ = _position(tl.load(norm_ptr, mask=inside, other=0.0).to(ACC), width, ALIGN_CORNERS, ACC)
    y, _ = _position(tl.load(norm_ptr + grid_stride_axis, mask=inside, other=0.0).to(ACC), height, ALIGN_CORNERS, ACC)
    x, _ = source_position(x, width, ALIGN_CORNERS, PADDING, ACC)
    y, _ = source_position(y, height, ALIGN_CORNERS, PADDING, ACC)
    left_index, toward_x, left, right = neighbours(x, width)
    top_index, toward_y, top, bottom = neighbours(y, height)
    top = top & inside
    bottom = bottom & inside

    plane = tl.full((), out_height, tl.int64) * out_width
    pixel_ptr = image_ptr + sample * stride_b + first * stride_c + top_index.to(tl.int64) * stride_h + left_index.to(tl.int64) * stride_w
    place_ptr = output_ptr + (sample * channels + first) * plane + row_offset * out_width + column_offset
    for _ in range(first, tl.minimum(first + CHANNELS, channels)):
        nw, ne, sw, se = read_four(pixel_ptr, stride_h, stride_w, top, bottom, left, right, ACC)
        upper = nw * (1.0 - toward_x) + ne * toward_x
        lower = sw * (1.0 - toward_x) + se * toward_x
        tl.store(place_ptr, upper * (1.0 - toward_y) + lower * toward_y, mask=inside)
        pixel_ptr += stride_c
        place_ptr += plane


@triton.jit
def _gradient_kernel(
    upstream_ptr,
    image_ptr,
    grid_ptr,
    grad_image_ptr,
    grad_grid_ptr,
    channels,
    height,
    width,
    out_height,
    out_width,
    upstream_stride_b,
    upstream_stride_c,
    upstream_stride_h,
    upstream_stride_w,
    stride_b,
    stride_c,
    stride_h,
    stride_w,
    grid_stride_b,
    grid_stride_h,
    grid_stride_w,
    grid_stride_axis,
    grad_stride_b,
    grad_stride_c,
    grad_stride_h,
    grad_stride_w,
    grad_grid_stride_b,
    grad_grid_stride_h,
    grad_grid_stride_w,
    grad_grid_stride_axis,
    ALIGN_CORNERS: tl.constexpr,
    PADDING: tl.constexpr,
    DOUBLE: tl.constexpr,
    WITH_IMAGE: tl.constexpr,
    WITH_GRID: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_W: tl.constexpr,
):
    """One program a tile of positions and every channel, so that a position's gradient is summed in registers and written once."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    tiles_w = tl.cdiv(out_width, BLOCK_W)
    tiles = tiles_w * tl.cdiv(out_height, BLOCK_H)
    program = tl.program_id(0).to(tl.int64)
    sample = program // tiles
    tile_index = (program % tiles).to(tl.int32)

    row = (tile_index // tiles_w) * BLOCK_H + tl.arange(0, BLOCK_H)
    column = (tile_index % tiles_w) * BLOCK_W + tl.arange(0, BLOCK_W)
    inside = (row < out_height)[:, None] & (column < out_width)[None, :]
    row_offset = row.to(tl.int64)[:, None]
    column_offset = column.to(tl.int64)[None, :]
    norm_ptr = grid_ptr + sample * grid_stride_b + row_offset * grid_stride_h + column_offset * grid_stride_w
    x, unit_x = _position(tl.load(norm_ptr, mask=inside, other=0.0).to(ACC), width, ALIGN_CORNERS, ACC)
    y, unit_y = _position(tl.load(norm_ptr + grid_stride_axis, mask=inside, other=0.0).to(ACC), height, ALIGN_CORNERS, ACC)
    x, slope_x = source_position(x, width, ALIGN_CORNERS, PADDING, ACC)
    y, slope_y = source_position(y, height, ALIGN_CORNERS, PADDING, ACC)
    left_index, toward_x, left, right = neighbours(x, width)
    top_index, toward_y, top, bottom = neighbours(y, height)
    top = top & inside
    bottom = bottom & inside

    top_offset = top_index.to(tl.int64)
    left_offset = left_index.to(tl.int64)
    place_ptr = upstream_ptr + sample * upstream_stride_b + row_offset * upstream_stride_h + column_offset * upstream_stride_w
    pixel_ptr = image_ptr + sample * stride_b + top_offset * stride_h + left_offset * stride_w
    grad_ptr = grad_image_ptr + sample * grad_stride_b + top_offset * grad_stride_h + left_offset * grad_stride_w
    grad_x = tl.zeros_like(x)
    grad_y = tl.zeros_like(y)
    for _ in range(channels):
        grad = tl.load(place_ptr, mask=inside, other=0.0).to(ACC)
        if WITH_GRID:
            nw, ne, sw, se = read_four(pixel_ptr, stride_h, stride_w, top, bottom, left, right, ACC)
            grad_x += grad * ((ne - nw) * (1.0 - toward_y) + (se - sw) * toward_y)
            grad_y += grad * ((sw - nw) * (1.0 - toward_x) + (se - ne) * toward_x)
        if WITH_IMAGE:
            add_four(grad_ptr, grad_stride_h, grad_stride_w, top, bottom, left, right, toward_x, toward_y, grad)
        place_ptr += upstream_stride_c
        pixel_ptr += stride_c
        grad_ptr += grad_stride_c

    if WITH_GRID:
        slot_ptr = grad_grid_ptr + sample * grad_grid_stride_b + row_offset * grad_grid_stride_h + column_offset * grad_grid_stride_w
        tl.store(slot_ptr, grad_x * slope_x * unit_x, mask=inside)
        tl.store(slot_ptr + grad_grid_stride_axis, grad_y * slope_y * unit_y, mask=inside)
