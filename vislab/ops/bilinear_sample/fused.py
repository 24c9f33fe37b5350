"""Bilinear sampling as Triton kernels: each position is read once forward and once backward, and serves all channels."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import launch, refuse_compiled_kernel_on_cpu
from vislab.ops.precision import accumulator
from vislab.ops.sampling.arguments import PADDINGS
from vislab.ops.sampling.derivatives import alert_not_deterministic, image_gradient, tie
from vislab.ops.sampling.safe_grid_sample import safe_grid_sample
from vislab.ops.sampling.sample_kernels import constants_of, place, programs_of, pull_back_samples, write_samples


def bilinear_sample_fused(image: Tensor, grid: Tensor, padding: str, align_corners: bool) -> Tensor:
    """Compute ``bilinear_sample`` by the kernels of this file; arguments as there, already checked.

    Raises:
        RuntimeError: an image on a CPU while Triton's interpreter is off; a backward pass to the image on a GPU under
            ``torch.use_deterministic_algorithms(True)``.
    """
    refuse_compiled_kernel_on_cpu("image", image, _sample_kernel)
    return _forward(image, grid, PADDINGS[padding], align_corners)


def _composition(image, grid, size, padding, align_corners):
    wide = accumulator(image.dtype, grid.dtype)
    return safe_grid_sample(image.to(wide), grid.to(wide), padding, align_corners)


@torch.library.custom_op(
    "vislab::bilinear_sample",
    mutates_args=(),
    schema="(Tensor image, Tensor grid, int padding, bool align_corners) -> Tensor",
)
def _forward(image, grid, padding, align_corners):
    (batch, channels, height, width), (out_height, out_width) = image.shape, grid.shape[1:3]
    output = image.new_empty((batch, channels, out_height, out_width))
    constants = constants_of(out_height, out_width, accumulator(image.dtype, grid.dtype), padding, align_corners)
    launch(
        *(_sample_kernel, batch * programs_of(channels, out_height, out_width, constants), image),
        *(image, grid, output, channels, height, width, out_height, out_width, *image.stride(), *grid.stride()),
        **constants,
    )
    return output


@torch.library.custom_op(
    "vislab::bilinear_sample_backward",
    mutates_args=(),
    schema="(Tensor upstream, Tensor image, Tensor grid, int padding, bool align_corners, bool with_image, bool with_grid)"
    " -> (Tensor, Tensor)",
)
def _backward(upstream, image, grid, padding, align_corners, with_image, with_grid):
    (batch, channels, height, width), (out_height, out_width) = image.shape, grid.shape[1:3]
    wide = accumulator(image.dtype, grid.dtype)
    constants = constants_of(out_height, out_width, wide, padding, align_corners)
    grad_image, grad_strides = image_gradient(image, wide, with_image)
    # without channels no program runs, and nothing depends on the grid.
    grad_grid = (grid.new_empty if channels else grid.new_zeros)(grid.shape if with_grid else 0)
    if with_image and upstream.numel():
        alert_not_deterministic("bilinear_sample", image)
    # all channels in one program, so that a position's gradient is summed in registers and written once.
    programs = programs_of(channels, out_height, out_width, constants, channels)
    launch(
        *(_gradient_kernel, batch * programs if with_image or with_grid else 0, image),
        *(upstream, image, grid, grad_image, grad_grid, channels, height, width, out_height, out_width),
        *(*upstream.stride(), *image.stride(), *grid.stride(), *grad_strides),
        **constants | {"WITH_IMAGE": with_image, "WITH_GRID": with_grid},
    )
    return grad_image.to(image.dtype), grad_grid


tie(_forward, _backward, 2, lambda image, grid, *_: grid.shape[1:3], _composition)


@triton.jit
def _pixels_per_unit(size, ALIGN_CORNERS: tl.constexpr, ACC: tl.constexpr):
    # tl.full, not .to: Triton makes an argument of 1 a constant, which has no .to.
    count = tl.full((), size, ACC)
    return (count - 1.0) * 0.5 if ALIGN_CORNERS else count * 0.5


@triton.jit
def _positions(
    grid_ptr, sample, row, column, height, width, out_height, out_width, n_b, n_h, n_w, n_axis,
    ALIGN_CORNERS: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Load a tile of the grid and return x and y in pixels."""
    inside = (row < out_height)[:, None] & (column < out_width)[None, :]
    # int64: the offset of a row in a strided view can pass 2^31.
    norm_ptr = grid_ptr + sample * n_b + row.to(tl.int64)[:, None] * n_h + column.to(tl.int64)[None, :] * n_w
    x = tl.load(norm_ptr, mask=inside, other=0.0).to(ACC) * _pixels_per_unit(width, ALIGN_CORNERS, ACC)
    y = tl.load(norm_ptr + n_axis, mask=inside, other=0.0).to(ACC) * _pixels_per_unit(height, ALIGN_CORNERS, ACC)
    return x + (tl.full((), width, ACC) - 1.0) * 0.5, y + (tl.full((), height, ACC) - 1.0) * 0.5


@triton.jit
def _sample_kernel(
    image_ptr, grid_ptr, output_ptr, channels, height, width, out_height, out_width,
    x_b, x_c, x_h, x_w, n_b, n_h, n_w, n_axis,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, DOUBLE: tl.constexpr,
    GROUP: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """One program a tile of positions and a few channels: positions once, then four reads and a write a channel."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    sample, first, row, column = place(channels, GROUP, out_height, out_width, BLOCK_H, BLOCK_W)
    x, y = _positions(grid_ptr, sample, row, column, height, width, out_height, out_width, n_b, n_h, n_w, n_axis, ALIGN_CORNERS, ACC)
    write_samples(
        image_ptr, output_ptr, x, y, sample, first, row, column, channels, GROUP, height, width, out_height, out_width, x_b, x_c, x_h, x_w,
        ALIGN_CORNERS, PADDING, ACC,
    )  # fmt: skip


@triton.jit
def _gradient_kernel(
    upstream_ptr, image_ptr, grid_ptr, grad_image_ptr, grad_grid_ptr, channels, height, width, out_height, out_width,
    u_b, u_c, u_h, u_w, x_b, x_c, x_h, x_w, n_b, n_h, n_w, n_axis, g_b, g_c, g_h, g_w,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, DOUBLE: tl.constexpr,
    GROUP: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr, WITH_IMAGE: tl.constexpr, WITH_GRID: tl.constexpr,
):  # fmt: skip
    """One program a tile of positions and every channel, whatever ``GROUP`` says."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    sample, first, row, column = place(channels, channels, out_height, out_width, BLOCK_H, BLOCK_W)
    x, y = _positions(grid_ptr, sample, row, column, height, width, out_height, out_width, n_b, n_h, n_w, n_axis, ALIGN_CORNERS, ACC)
    grad_x, grad_y = pull_back_samples(
        upstream_ptr, image_ptr, grad_image_ptr, x, y, sample, first, row, column, channels, channels, height, width, out_height, out_width,
        u_b, u_c, u_h, u_w, x_b, x_c, x_h, x_w, g_b, g_c, g_h, g_w, ALIGN_CORNERS, PADDING, ACC, WITH_IMAGE, WITH_GRID,
    )  # fmt: skip
    if WITH_GRID:
        inside = (row < out_height)[:, None] & (column < out_width)[None, :]
        slot_ptr = grad_grid_ptr + ((sample * out_height + row.to(tl.int64)[:, None]) * out_width + column[None, :]) * 2
        tl.store(slot_ptr, grad_x * _pixels_per_unit(width, ALIGN_CORNERS, ACC), mask=inside)
        tl.store(slot_ptr + 1, grad_y * _pixels_per_unit(height, ALIGN_CORNERS, ACC), mask=inside)
