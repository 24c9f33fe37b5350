"""Affine sampling as Triton kernels: positions are made in registers from six numbers a sample, so that no grid is ever in memory."""

import torch
import torch.nn.functional as F
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import launch, refuse_compiled_kernel_on_cpu
from vislab.ops.precision import accumulator
from vislab.ops.sampling.arguments import PADDINGS
from vislab.ops.sampling.derivatives import alert_not_deterministic, image_gradient, tie
from vislab.ops.sampling.safe_grid_sample import safe_grid_sample
from vislab.ops.sampling.sample_kernels import constants_of, place, programs_of, pull_back_samples, write_samples


def affine_sample_fused(image: Tensor, theta: Tensor, size: tuple[int, int], padding: str, align_corners: bool) -> Tensor:
    """Compute ``affine_sample`` by the kernels of this file; arguments as there, already checked.

    Raises:
        RuntimeError: an image on a CPU while Triton's interpreter is off; a backward pass to the image on a GPU under
            ``torch.use_deterministic_algorithms(True)``.
    """
    refuse_compiled_kernel_on_cpu("image", image, _sample_kernel)
    return _forward(image, theta, *size, PADDINGS[padding], align_corners)


def _composition(image, theta, size, padding, align_corners):
    wide = accumulator(image.dtype, theta.dtype)
    grid = F.affine_grid(theta.to(wide), [*image.shape[:2], *size], align_corners=align_corners)
    return safe_grid_sample(image.to(wide), grid, padding, align_corners)


@torch.library.custom_op(
    "vislab::affine_sample",
    mutates_args=(),
    schema="(Tensor image, Tensor theta, int out_height, int out_width, int padding, bool align_corners) -> Tensor",
)
def _forward(image, theta, out_height, out_width, padding, align_corners):
    batch, channels, height, width = image.shape
    output = image.new_empty((batch, channels, out_height, out_width))
    constants = constants_of(out_height, out_width, accumulator(image.dtype, theta.dtype), padding, align_corners)
    launch(
        *(_sample_kernel, batch * programs_of(channels, out_height, out_width, constants), image),
        *(image, theta, output, channels, height, width, out_height, out_width, *image.stride(), *theta.stride()),
        **constants,
    )
    return output


@torch.library.custom_op(
    "vislab::affine_sample_backward",
    mutates_args=(),
    schema="(Tensor upstream, Tensor image, Tensor theta, int padding, bool align_corners, bool with_image, bool with_theta)"
    " -> (Tensor, Tensor)",
)
def _backward(upstream, image, theta, padding, align_corners, with_image, with_theta):
    (batch, channels, height, width), (out_height, out_width) = image.shape, upstream.shape[2:]
    wide = accumulator(image.dtype, theta.dtype)
    constants = constants_of(out_height, out_width, wide, padding, align_corners)
    programs = programs_of(channels, out_height, out_width, constants)
    grad_image, grad_strides = image_gradient(image, wide, with_image)
    # a program's share of theta's gradient, summed at the end: always in the same order.
    shares = theta.new_empty((batch, programs if with_theta else 0, 2, 3), dtype=wide)
    if with_image and upstream.numel():
        alert_not_deterministic("affine_sample", image)
    launch(
        *(_gradient_kernel, batch * programs if with_image or with_theta else 0, image),
        *(upstream, image, theta, grad_image, shares, channels, height, width, out_height, out_width),
        *(*upstream.stride(), *image.stride(), *theta.stride(), *grad_strides),
        **constants | {"WITH_IMAGE": with_image, "WITH_THETA": with_theta},
    )
    grad_theta = shares.sum(1) if with_theta else theta.new_empty(0, dtype=wide)
    return grad_image.to(image.dtype), grad_theta.to(theta.dtype)


tie(_forward, _backward, 2, lambda image, theta, out_height, out_width, *_: (out_height, out_width), _composition)


@triton.jit
def _from_middle(row, column, out_height, out_width, ACC: tl.constexpr):
    """Return pixels of the output counted from its middle, to the right and down; halves are exact, so that the identity reads pixels."""
    right = column.to(ACC) - (tl.full((), out_width, ACC) - 1.0) * 0.5
    down = row.to(ACC) - (tl.full((), out_height, ACC) - 1.0) * 0.5
    return right[None, :], down[:, None]


@triton.jit
def _quotient(numerator, denominator, ACC: tl.constexpr):
    """Divide, rounded once: on a GPU a float32 ``/`` may be two units in the last place off, and the identity would miss its pixels."""
    if ACC == tl.float32:
        return tl.math.div_rn(numerator, denominator)
    else:
        return numerator / denominator


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
    return _quotient(extent, out_extent_x, ACC), _quotient(extent, out_extent_y, ACC), extent * 0.5


@triton.jit
def _position(theta_ptr, theta_stride, right, down, size, unit_x, unit_y, unit, ACC: tl.constexpr):
    """Apply one row of theta to pixels of the output, counted from its middle; the answer is in pixels of the image."""
    by_x = tl.load(theta_ptr).to(ACC) * unit_x
    by_y = tl.load(theta_ptr + theta_stride).to(ACC) * unit_y
    shift = tl.load(theta_ptr + 2 * theta_stride).to(ACC) * unit
    return by_x * right + by_y * down + (shift + (tl.full((), size, ACC) - 1.0) * 0.5)


@triton.jit
def _sample_kernel(
    image_ptr, theta_ptr, output_ptr, channels, height, width, out_height, out_width,
    x_b, x_c, x_h, x_w, theta_b, theta_row, theta_column,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, DOUBLE: tl.constexpr,
    GROUP: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """One program a tile of output pixels and a few channels: positions once, then four reads and a write a channel."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    sample, first, row, column = place(channels, GROUP, out_height, out_width, BLOCK_H, BLOCK_W)
    right, down = _from_middle(row, column, out_height, out_width, ACC)
    row_ptr = theta_ptr + sample * theta_b
    unit_x, unit_y, unit = _units(width, out_height, out_width, ALIGN_CORNERS, ACC)
    x = _position(row_ptr, theta_column, right, down, width, unit_x, unit_y, unit, ACC)
    unit_x, unit_y, unit = _units(height, out_height, out_width, ALIGN_CORNERS, ACC)
    y = _position(row_ptr + theta_row, theta_column, right, down, height, unit_x, unit_y, unit, ACC)
    write_samples(
        image_ptr, output_ptr, x, y, sample, first, row, column, channels, GROUP, height, width, out_height, out_width, x_b, x_c, x_h, x_w,
        ALIGN_CORNERS, PADDING, ACC,
    )  # fmt: skip


@triton.jit
def _gradient_kernel(
    upstream_ptr, image_ptr, theta_ptr, grad_image_ptr, shares_ptr, channels, height, width, out_height, out_width,
    u_b, u_c, u_h, u_w, x_b, x_c, x_h, x_w, theta_b, theta_row, theta_column, g_b, g_c, g_h, g_w,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, DOUBLE: tl.constexpr,
    GROUP: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr, WITH_IMAGE: tl.constexpr, WITH_THETA: tl.constexpr,
):  # fmt: skip
    """The programs of the forward kernel. Each leaves its own share of theta's gradient, six numbers, in ``shares``."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    sample, first, row, column = place(channels, GROUP, out_height, out_width, BLOCK_H, BLOCK_W)
    right, down = _from_middle(row, column, out_height, out_width, ACC)
    row_ptr = theta_ptr + sample * theta_b
    unit_x_x, unit_x_y, unit_x = _units(width, out_height, out_width, ALIGN_CORNERS, ACC)
    x = _position(row_ptr, theta_column, right, down, width, unit_x_x, unit_x_y, unit_x, ACC)
    unit_y_x, unit_y_y, unit_y = _units(height, out_height, out_width, ALIGN_CORNERS, ACC)
    y = _position(row_ptr + theta_row, theta_column, right, down, height, unit_y_x, unit_y_y, unit_y, ACC)
    grad_x, grad_y = pull_back_samples(
        upstream_ptr, image_ptr, grad_image_ptr, x, y, sample, first, row, column, channels, GROUP, height, width, out_height, out_width,
        u_b, u_c, u_h, u_w, x_b, x_c, x_h, x_w, g_b, g_c, g_h, g_w, ALIGN_CORNERS, PADDING, ACC, WITH_IMAGE, WITH_THETA,
    )  # fmt: skip
    if WITH_THETA:
        share_ptr = shares_ptr + tl.program_id(0).to(tl.int64) * 6
        tl.store(share_ptr, tl.sum(tl.sum(grad_x * right, axis=1), axis=0) * unit_x_x)
        tl.store(share_ptr + 1, tl.sum(tl.sum(grad_x * down, axis=1), axis=0) * unit_x_y)
        tl.store(share_ptr + 2, tl.sum(tl.sum(grad_x, axis=1), axis=0) * unit_x)
        tl.store(share_ptr + 3, tl.sum(tl.sum(grad_y * right, axis=1), axis=0) * unit_y_x)
        tl.store(share_ptr + 4, tl.sum(tl.sum(grad_y * down, axis=1), axis=0) * unit_y_y)
        tl.store(share_ptr + 5, tl.sum(tl.sum(grad_y, axis=1), axis=0) * unit_y)
