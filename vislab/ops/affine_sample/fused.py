"""Affine sampling as Triton kernels: positions are made in registers from six numbers a sample, so that no grid is ever in memory."""

from functools import partial

import torch
import torch.nn.functional as F
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

# output pixels that one program holds at a time, and channels that it walks over with the same positions.
_TILE = 512
_CHANNELS = 16


def affine_sample_fused(image: Tensor, theta: Tensor, size: tuple[int, int], padding: str, align_corners: bool) -> Tensor:
    """Compute ``affine_sample`` by the kernels of this file; arguments as there, already checked.

    Raises:
        RuntimeError: an image on a CPU while Triton's interpreter is off; a backward pass to the image on a GPU under
            ``torch.use_deterministic_algorithms(True)``.
    """
    refuse_compiled_kernel_on_cpu("image", image, _sample_kernel)
    return _forward(image, theta, *size, PADDINGS[padding], align_corners)


def _save_for_backward(ctx, inputs, output):
    image, theta, *ctx.options = inputs
    ctx.save_for_backward(image, theta)


def _first_order(ctx, upstream):
    image, theta = ctx.saved_tensors
    with_image, with_theta = ctx.needs_input_grad[:2]
    grad_image, grad_theta = _backward(upstream, image, theta, *ctx.options[2:], with_image, with_theta)
    return grad_image if with_image else None, grad_theta if with_theta else None, None, None, None, None


def _save_for_second_order(ctx, inputs, output):
    ctx.save_for_backward(*inputs[:3])
    ctx.options = inputs[3:]


def _second_order(ctx, *upstream):
    # rare (a gradient penalty), so left to PyTorch.
    padding, align_corners, *wanted = ctx.options
    pull_back = torch.func.vjp(partial(_gradient, padding, align_corners, wanted), *ctx.saved_tensors)[1]
    return *pull_back(tuple(grad for grad, asked in zip(upstream, wanted, strict=True) if asked)), None, None, None, None


def _gradient(padding, align_corners, wanted, upstream, image, theta):
    """What the backward kernel computes, in PyTorch's own ops, so that it can be differentiated again."""
    name = {number: name for name, number in PADDINGS.items()}[padding]
    wide = accumulator(image.dtype, theta.dtype)

    def sample(image, theta):
        grid = F.affine_grid(theta.to(wide), [*image.shape[:2], *upstream.shape[2:]], align_corners=align_corners)
        return safe_grid_sample(image.to(wide), grid, name, align_corners)

    grads = torch.func.vjp(sample, image, theta)[1](upstream.to(wide))
    return tuple(grad for grad, asked in zip(grads, wanted, strict=True) if asked)


@torch.library.custom_op(
    "vislab::affine_sample",
    mutates_args=(),
    schema="(Tensor image, Tensor theta, int out_height, int out_width, int padding, bool align_corners) -> Tensor",
)
def _forward(image, theta, out_height, out_width, padding, align_corners):
    output = _forward_output(image, theta, out_height, out_width, padding, align_corners)
    if output.numel():
        batch, channels, height, width = image.shape
        block_h, block_w = tile(out_height, out_width, _TILE)
        programs = batch * triton.cdiv(out_height, block_h) * triton.cdiv(out_width, block_w) * triton.cdiv(channels, _CHANNELS)
        with torch.cuda.device_of(image):
            # all programs on axis 0: the other axes of a grid end at 65535.
            _sample_kernel[(programs,)](
                image,
                theta,
                output,
                channels,
                height,
                width,
                out_height,
                out_width,
                *image.stride(),
                *theta.stride(),
                ALIGN_CORNERS=align_corners,
                PADDING=padding,
                DOUBLE=accumulator(image.dtype, theta.dtype) == torch.float64,
                CHANNELS=_CHANNELS,
                BLOCK_H=block_h,
                BLOCK_W=block_w,
                num_warps=warps(block_h * block_w),
            )
    return output


@torch.library.custom_op(
    "vislab::affine_sample_backward",
    mutates_args=(),
    schema="(Tensor upstream, Tensor image, Tensor theta, int padding, bool align_corners, bool with_image, bool with_theta)"
    " -> (Tensor, Tensor)",
)
def _backward(upstream, image, theta, padding, align_corners, with_image, with_theta):
    batch, channels, height, width = image.shape
    out_height, out_width = upstream.shape[2:]
    block_h, block_w = tile(out_height, out_width, _TILE)
    # programs that share one sample's theta.
    programs = triton.cdiv(out_height, block_h) * triton.cdiv(out_width, block_w) * triton.cdiv(channels, _CHANNELS)
    wide = accumulator(image.dtype, theta.dtype)
    # a half-precision image's gradient is added up in float32 and rounded once.
    grad_image = torch.zeros_like(image, dtype=wide) if with_image else image.new_empty(0, dtype=wide)
    partial = theta.new_empty((batch, programs if with_theta else 0, 2, 3), dtype=wide)
    if upstream.numel() and (with_image or with_theta):
        if with_image:
            alert_not_deterministic("affine_sample", image)
        with torch.cuda.device_of(image):
            _gradient_kernel[(batch * programs,)](
                upstream,
                image,
                theta,
                grad_image,
                partial,
                channels,
                height,
                width,
                out_height,
                out_width,
                *upstream.stride(),
                *image.stride(),
                *theta.stride(),
                *(grad_image.stride() if with_image else (0, 0, 0, 0)),
                ALIGN_CORNERS=align_corners,
                PADDING=padding,
                DOUBLE=wide == torch.float64,
                WITH_IMAGE=with_image,
                WITH_THETA=with_theta,
                CHANNELS=_CHANNELS,
                BLOCK_H=block_h,
                BLOCK_W=block_w,
                num_warps=warps(block_h * block_w),
            )
    grad_theta = partial.sum(1) if with_theta else theta.new_empty(0, dtype=wide)
    return grad_image.to(image.dtype), grad_theta.to(theta.dtype)


def _forward_output(image, theta, out_height, out_width, padding, align_corners):
    return image.new_empty((*image.shape[:2], out_height, out_width))


def _backward_outputs(upstream, image, theta, padding, align_corners, with_image, with_theta):
    grad_image = torch.empty_like(image) if with_image else image.new_empty(0)
    return grad_image, theta.new_empty(theta.shape) if with_theta else theta.new_empty(0)


_forward.register_fake(_forward_output)
_forward.register_autograd(_first_order, setup_context=_save_for_backward)
_backward.register_fake(_backward_outputs)
_backward.register_autograd(_second_order, setup_context=_save_for_second_order)


@triton.jit
def _units(size, out_height, out_width, ALIGN_CORNERS: tl.constexpr, ACC: tl.constexpr):
    """Return pixels of the image, along its axis of ``size``, that an entry of 1 in theta's row moves the position by.

    The first a step in x, the second a step in y, the third at once.
    """
    extent = tl.full((), size, ACC)
    out_extent_x = tl.full((), out_width, ACC)
    out_extent_y = tl.full((), out_height, ACC)
    if ALIGN_CORNERS:
        extent = extent - 1.0
        # an output of one pixel is its own middle: x or y is 0, whatever it is divided by.
        out_extent_x = tl.maximum(out_extent_x - 1.0, 1.0)
        out_extent_y = tl.maximum(out_extent_y - 1.0, 1.0)
    return extent / out_extent_x, extent / out_extent_y, extent * 0.5


@triton.jit
def _position(theta_ptr, theta_stride, from_middle_x, from_middle_y, size, unit_x, unit_y, unit, ACC: tl.constexpr):
    """Apply one row of theta to pixels of the output, counted from its middle; the answer is in pixels of the image."""
    by_x = tl.load(theta_ptr).to(ACC) * unit_x
    by_y = tl.load(theta_ptr + theta_stride).to(ACC) * unit_y
    shift = tl.load(theta_ptr + 2 * theta_stride).to(ACC) * unit
    return by_x * from_middle_x + by_y * from_middle_y + (shift + (tl.full((), size, ACC) - 1.0) * 0.5)


@triton.jit
def _sample_kernel(
    image_ptr,
    theta_ptr,
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
    theta_stride_b,
    theta_stride_row,
    theta_stride_column,
    ALIGN_CORNERS: tl.constexpr,
    PADDING: tl.constexpr,
    DOUBLE: tl.constexpr,
    CHANNELS: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_W: tl.constexpr,
):
    """One program a tile of output pixels and a few channels: positions once, then four reads and a write a channel."""
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
    # halves are exact, so that the identity reads at whole positions.
    from_middle_x = (column.to(ACC) - (tl.full((), out_width, ACC) - 1.0) * 0.5)[None, :]
    from_middle_y = (row.to(ACC) - (tl.full((), out_height, ACC) - 1.0) * 0.5)[:, None]
    row_ptr = theta_ptr + sample * theta_stride_b
    unit_x, unit_y, unit = _units(width, out_height, out_width, ALIGN_CORNERS, ACC)
    x = _position(row_ptr, theta_stride_column, from_middle_x, from_middle_y, width, unit_x, unit_y, unit, ACC)
    row_ptr += theta_stride_row
    unit_x, unit_y, unit = _units(height, out_height, out_width, ALIGN_CORNERS, ACC)
    y = _position(row_ptr, theta_stride_column, from_middle_x, from_middle_y, height, unit_x, unit_y, unit, ACC)
    x, _ = source_position(x, width, ALIGN_CORNERS, PADDING, ACC)
    y, _ = source_position(y, height, ALIGN_CORNERS, PADDING, ACC)
    left_index, toward_x, left, right = neighbours(x, width)
    top_index, toward_y, top, bottom = neighbours(y, height)
    top = top & inside
    bottom = bottom & inside

    # int64: the offset of a row in a strided view can pass 2^31.
    plane = tl.full((), out_height, tl.int64) * out_width
    pixel_ptr = image_ptr + sample * stride_b + first * stride_c + top_index.to(tl.int64) * stride_h + left_index.to(tl.int64) * stride_w
    place_ptr = output_ptr + (sample * channels + first) * plane + row.to(tl.int64)[:, None] * out_width + column[None, :]
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
    theta_ptr,
    grad_image_ptr,
    partial_ptr,
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
    theta_stride_b,
    theta_stride_row,
    theta_stride_column,
    grad_stride_b,
    grad_stride_c,
    grad_stride_h,
    grad_stride_w,
    ALIGN_CORNERS: tl.constexpr,
    PADDING: tl.constexpr,
    DOUBLE: tl.constexpr,
    WITH_IMAGE: tl.constexpr,
    WITH_THETA: tl.constexpr,
    CHANNELS: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_W: tl.constexpr,
):
    """The programs of the forward kernel. Each leaves its own share of theta's gradient, six numbers, in ``partial``."""
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
    from_middle_x = (column.to(ACC) - (tl.full((), out_width, ACC) - 1.0) * 0.5)[None, :]
    from_middle_y = (row.to(ACC) - (tl.full((), out_height, ACC) - 1.0) * 0.5)[:, None]
    row_ptr = theta_ptr + sample * theta_stride_b
    unit_x_x, unit_x_y, unit_x = _units(width, out_height, out_width, ALIGN_CORNERS, ACC)
    x = _position(row_ptr, theta_stride_column, from_middle_x, from_middle_y, width, unit_x_x, unit_x_y, unit_x, ACC)
    row_ptr += theta_stride_row
    unit_y_x, unit_y_y, unit_y = _units(height, out_height, out_width, ALIGN_CORNERS, ACC)
    y = _position(row_ptr, theta_stride_column, from_middle_x, from_middle_y, height, unit_y_x, unit_y_y, unit_y, ACC)
    x, slope_x = source_position(x, width, ALIGN_CORNERS, PADDING, ACC)
    y, slope_y = source_position(y, height, ALIGN_CORNERS, PADDING, ACC)
    left_index, toward_x, left, right = neighbours(x, width)
    top_index, toward_y, top, bottom = neighbours(y, height)
    top = top & inside
    bottom = bottom & inside

    row_offset = row.to(tl.int64)[:, None]
    column_offset = column.to(tl.int64)[None, :]
    top_offset = top_index.to(tl.int64)
    left_offset = left_index.to(tl.int64)
    place_ptr = upstream_ptr + sample * upstream_stride_b + first * upstream_stride_c
    place_ptr = place_ptr + row_offset * upstream_stride_h + column_offset * upstream_stride_w
    pixel_ptr = image_ptr + sample * stride_b + first * stride_c + top_offset * stride_h + left_offset * stride_w
    grad_ptr = grad_image_ptr + sample * grad_stride_b + first * grad_stride_c + top_offset * grad_stride_h + left_offset * grad_stride_w
    grad_x = tl.zeros_like(x)
    grad_y = tl.zeros_like(y)
    for _ in range(first, tl.minimum(first + CHANNELS, channels)):
        grad = tl.load(place_ptr, mask=inside, other=0.0).to(ACC)
        if WITH_THETA:
            nw, ne, sw, se = read_four(pixel_ptr, stride_h, stride_w, top, bottom, left, right, ACC)
            grad_x += grad * ((ne - nw) * (1.0 - toward_y) + (se - sw) * toward_y)
            grad_y += grad * ((sw - nw) * (1.0 - toward_x) + (se - ne) * toward_x)
        if WITH_IMAGE:
            add_four(grad_ptr, grad_stride_h, grad_stride_w, top, bottom, left, right, toward_x, toward_y, grad)
        place_ptr += upstream_stride_c
        pixel_ptr += stride_c
        grad_ptr += grad_stride_c

    if WITH_THETA:
        grad_x = grad_x * slope_x
        grad_y = grad_y * slope_y
        share_ptr = partial_ptr + program * 6
        tl.store(share_ptr, tl.sum(tl.sum(grad_x * from_middle_x, axis=1), axis=0) * unit_x_x)
        tl.store(share_ptr + 1, tl.sum(tl.sum(grad_x * from_middle_y, axis=1), axis=0) * unit_x_y)
        tl.store(share_ptr + 2, tl.sum(tl.sum(grad_x, axis=1), axis=0) * unit_x)
        tl.store(share_ptr + 3, tl.sum(tl.sum(grad_y * from_middle_x, axis=1), axis=0) * unit_y_x)
        tl.store(share_ptr + 4, tl.sum(tl.sum(grad_y * from_middle_y, axis=1), axis=0) * unit_y_y)
        tl.store(share_ptr + 5, tl.sum(tl.sum(grad_y, axis=1), axis=0) * unit_y)
