"""Thin-plate spline sampling as Triton kernels: the spline is evaluated in registers, pixel by pixel, so that no grid is ever in memory."""

from functools import partial

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import launch, refuse_compiled_kernel_on_cpu
from vislab.ops.precision import without_autocast
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


def tps_sample_fused(
    image: Tensor, controls: Tensor, coefficients: Tensor, size: tuple[int, int], padding: str, align_corners: bool
) -> Tensor:
    """Sample at the spline that ``coefficients`` describe, by the kernels of this file; other arguments as in ``tps_sample``, checked.

    Args:
        coefficients: ``[B, K + 3, 2]``, float32, or float64 to compute in: K bending weights, then the affine part ``[1, x, y]``.

    Raises:
        RuntimeError: an image on a CPU while Triton's interpreter is off; a backward pass to the image on a GPU under
            ``torch.use_deterministic_algorithms(True)``.
    """
    refuse_compiled_kernel_on_cpu("image", image, _sample_kernel)
    return _forward(image, controls.to(coefficients.dtype), coefficients, *size, PADDINGS[padding], align_corners)


def _save_for_backward(ctx, inputs, output):
    image, controls, coefficients, _, _, *ctx.options = inputs
    ctx.save_for_backward(image, controls, coefficients)


def _first_order(ctx, upstream):
    with_image, _, with_spline, *_ = ctx.needs_input_grad
    grad_image, grad_spline = _backward(upstream, *ctx.saved_tensors, *ctx.options, with_image, with_spline)
    return grad_image if with_image else None, None, grad_spline if with_spline else None, None, None, None, None


def _save_for_second_order(ctx, inputs, output):
    upstream, image, ctx.controls, coefficients, *ctx.options = inputs
    ctx.save_for_backward(upstream, image, coefficients)


def _second_order(ctx, *grads):
    # rare (a gradient penalty), so left to PyTorch.
    wanted = ctx.options[2:]
    pull_back = torch.func.vjp(partial(_gradient, ctx.controls, *ctx.options), *ctx.saved_tensors)[1]
    upstream, image, coefficients = pull_back(tuple(grad for grad, asked in zip(grads, wanted, strict=True) if asked))
    return upstream, image, None, coefficients, None, None, None, None


def _gradient(controls, padding, align_corners, with_image, with_spline, upstream, image, coefficients):
    """What the backward kernel computes, in PyTorch's own ops, so that it can be differentiated again."""
    name = {number: name for name, number in PADDINGS.items()}[padding]
    wide = coefficients.dtype

    def sample(image, coefficients):
        axes = [
            torch.arange(1 - count, count, 2, dtype=wide, device=image.device) / max(count - align_corners, 1)
            for count in upstream.shape[2:]
        ]
        v, u = torch.meshgrid(*axes, indexing="ij")
        squared = (u[..., None] - controls[:, 0]).square() + (v[..., None] - controls[:, 1]).square()
        basis = torch.cat([torch.special.xlogy(squared, squared), torch.stack([torch.ones_like(u), u, v], -1)], -1)
        with without_autocast(image.device):
            grid = basis.flatten(0, 1) @ coefficients
        return safe_grid_sample(image.to(wide), grid.view(-1, *upstream.shape[2:], 2), name, align_corners)

    grads = torch.func.vjp(sample, image, coefficients)[1](upstream.to(wide))
    return tuple(grad for grad, asked in zip(grads, (with_image, with_spline), strict=True) if asked)


@torch.library.custom_op(
    "vislab::tps_sample",
    mutates_args=(),
    schema="(Tensor image, Tensor controls, Tensor coefficients, int out_height, int out_width, int padding, bool align_corners) -> Tensor",
)
def _forward(image, controls, coefficients, out_height, out_width, padding, align_corners):
    output = _forward_output(image, controls, coefficients, out_height, out_width, padding, align_corners)
    (batch, channels, height, width), count = image.shape, controls.shape[0]
    constants = _constants(out_height, out_width, coefficients, padding, align_corners)
    launch(
        *(_sample_kernel, batch * _programs(channels, out_height, out_width, constants), image),
        *(image, controls.contiguous(), coefficients.contiguous(), output),
        *(count, channels, height, width, out_height, out_width, *image.stride()),
        **constants,
    )
    return output


@torch.library.custom_op(
    "vislab::tps_sample_backward",
    mutates_args=(),
    schema="(Tensor upstream, Tensor image, Tensor controls, Tensor coefficients, int padding, bool align_corners, bool with_image,"
    " bool with_spline) -> (Tensor, Tensor)",
)
def _backward(upstream, image, controls, coefficients, padding, align_corners, with_image, with_spline):
    (batch, channels, height, width), count = image.shape, controls.shape[0]
    out_height, out_width = upstream.shape[2:]
    constants = _constants(out_height, out_width, coefficients, padding, align_corners)
    programs = _programs(channels, out_height, out_width, constants)
    # a half-precision image's gradient is added up in float32 and rounded once.
    wide = coefficients.dtype
    grad_image = torch.zeros_like(image, dtype=wide) if with_image else image.new_empty(0, dtype=wide)
    # a program's share of the coefficients' gradient, summed at the end: always in the same order.
    shares = coefficients.new_empty((batch, programs if with_spline else 0, count + 3, 2))
    if with_image and upstream.numel():
        alert_not_deterministic("tps_sample", image)
    launch(
        *(_gradient_kernel, batch * programs if with_image or with_spline else 0, image),
        *(upstream, image, controls.contiguous(), coefficients.contiguous(), grad_image, shares),
        *(count, channels, height, width, out_height, out_width),
        *(*upstream.stride(), *image.stride(), *(grad_image.stride() if with_image else (0, 0, 0, 0))),
        **constants | {"WITH_IMAGE": with_image, "WITH_SPLINE": with_spline},
    )
    return grad_image.to(image.dtype), shares.sum(1) if with_spline else coefficients.new_empty(0)


def _constants(out_height, out_width, coefficients, padding, align_corners):
    block_h, block_w = tile(out_height, out_width, _TILE)
    flags = {"ALIGN_CORNERS": align_corners, "PADDING": padding, "DOUBLE": coefficients.dtype == torch.float64}
    return flags | {"CHANNELS": _CHANNELS, "BLOCK_H": block_h, "BLOCK_W": block_w, "num_warps": warps(block_h * block_w)}


def _programs(channels, out_height, out_width, constants):
    """Return how many programs share one image."""
    tiles = triton.cdiv(out_height, constants["BLOCK_H"]) * triton.cdiv(out_width, constants["BLOCK_W"])
    return tiles * triton.cdiv(channels, _CHANNELS)


def _forward_output(image, controls, coefficients, out_height, out_width, padding, align_corners):
    return image.new_empty((*image.shape[:2], out_height, out_width))


def _backward_outputs(upstream, image, controls, coefficients, padding, align_corners, with_image, with_spline):
    grad_image = torch.empty_like(image) if with_image else image.new_empty(0)
    return grad_image, coefficients.new_empty(coefficients.shape if with_spline else 0)


_forward.register_fake(_forward_output)
_forward.register_autograd(_first_order, setup_context=_save_for_backward)
_backward.register_fake(_backward_outputs)
_backward.register_autograd(_second_order, setup_context=_save_for_second_order)


@triton.jit
def _centre(index, count, ALIGN_CORNERS: tl.constexpr, ACC: tl.constexpr):
    """Return the normalised coordinate of an output pixel's centre; a single one is at 0."""
    # tl.full, not .to: Triton makes an argument of 1 a constant, which has no .to.
    extent = tl.full((), count, ACC)
    steps = extent - 1.0
    if ALIGN_CORNERS:
        extent = tl.maximum(steps, 1.0)
    return (2.0 * index.to(ACC) - steps) / extent


@triton.jit
def _radial(u, v, control_ptr):
    """Return U of the distance to one control point, ``r² log r²``; 0 at the point itself."""
    across = u - tl.load(control_ptr)
    down = v - tl.load(control_ptr + 1)
    squared = across * across + down * down
    # the logarithm of 0 never enters: it would be NaN times 0.
    return squared * tl.log(tl.where(squared > 0, squared, 1.0))


@triton.jit
def _spline(controls_ptr, coefficients_ptr, count, u, v):
    """Evaluate both splines, x and y, at a tile of output pixels."""
    affine_ptr = coefficients_ptr + count * 2
    x = tl.load(affine_ptr) + tl.load(affine_ptr + 2) * u + tl.load(affine_ptr + 4) * v
    y = tl.load(affine_ptr + 1) + tl.load(affine_ptr + 3) * u + tl.load(affine_ptr + 5) * v
    for k in range(0, count):
        bend = _radial(u, v, controls_ptr + k * 2)
        x += tl.load(coefficients_ptr + k * 2) * bend
        y += tl.load(coefficients_ptr + k * 2 + 1) * bend
    return x, y


@triton.jit
def _pixels_per_unit(size, ALIGN_CORNERS: tl.constexpr, ACC: tl.constexpr):
    extent = tl.full((), size, ACC)
    return ((extent - 1.0) if ALIGN_CORNERS else extent) * 0.5


@triton.jit
def _place(program, channels, out_height, out_width, CHANNELS: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr):
    """Return a program's image, first channel, rows and columns."""
    tiles_w = tl.cdiv(out_width, BLOCK_W)
    tiles = tiles_w * tl.cdiv(out_height, BLOCK_H)
    groups = tl.cdiv(channels, CHANNELS)
    index = ((program // groups) % tiles).to(tl.int32)
    row = (index // tiles_w) * BLOCK_H + tl.arange(0, BLOCK_H)
    column = (index % tiles_w) * BLOCK_W + tl.arange(0, BLOCK_W)
    return program // (tiles * groups), (program % groups) * CHANNELS, row, column


@triton.jit
def _sample_kernel(
    image_ptr, controls_ptr, coefficients_ptr, output_ptr, count, channels, height, width, out_height, out_width,
    x_b, x_c, x_h, x_w,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, DOUBLE: tl.constexpr,
    CHANNELS: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """One program a tile of output pixels and a few channels: positions once, then four reads and a write a channel."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    batch, first, row, column = _place(tl.program_id(0).to(tl.int64), channels, out_height, out_width, CHANNELS, BLOCK_H, BLOCK_W)
    inside = (row < out_height)[:, None] & (column < out_width)[None, :]
    u = _centre(column, out_width, ALIGN_CORNERS, ACC)[None, :]
    v = _centre(row, out_height, ALIGN_CORNERS, ACC)[:, None]
    x, y = _spline(controls_ptr, coefficients_ptr + batch * (count + 3) * 2, count, u, v)
    x = x * _pixels_per_unit(width, ALIGN_CORNERS, ACC) + (tl.full((), width, ACC) - 1.0) * 0.5
    y = y * _pixels_per_unit(height, ALIGN_CORNERS, ACC) + (tl.full((), height, ACC) - 1.0) * 0.5
    x, _ = source_position(x, width, ALIGN_CORNERS, PADDING, ACC)
    y, _ = source_position(y, height, ALIGN_CORNERS, PADDING, ACC)
    left_index, toward_x, left, right = neighbours(x, width)
    top_index, toward_y, top, bottom = neighbours(y, height)
    top = top & inside
    bottom = bottom & inside

    # int64: the offset of a row in a strided view can pass 2^31.
    plane = tl.full((), out_height, tl.int64) * out_width
    pixel_ptr = image_ptr + batch * x_b + first * x_c + top_index.to(tl.int64) * x_h + left_index.to(tl.int64) * x_w
    place_ptr = output_ptr + (batch * channels + first) * plane + row.to(tl.int64)[:, None] * out_width + column[None, :]
    for _ in range(first, tl.minimum(first + CHANNELS, channels)):
        nw, ne, sw, se = read_four(pixel_ptr, x_h, x_w, top, bottom, left, right, ACC)
        upper = nw * (1.0 - toward_x) + ne * toward_x
        lower = sw * (1.0 - toward_x) + se * toward_x
        tl.store(place_ptr, upper * (1.0 - toward_y) + lower * toward_y, mask=inside)
        pixel_ptr += x_c
        place_ptr += plane


@triton.jit
def _gradient_kernel(
    upstream_ptr, image_ptr, controls_ptr, coefficients_ptr, grad_image_ptr, shares_ptr,
    count, channels, height, width, out_height, out_width,
    u_b, u_c, u_h, u_w, x_b, x_c, x_h, x_w, g_b, g_c, g_h, g_w,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, DOUBLE: tl.constexpr,
    CHANNELS: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr, WITH_IMAGE: tl.constexpr, WITH_SPLINE: tl.constexpr,
):  # fmt: skip
    """The programs of the forward kernel. Each leaves its own share of the coefficients' gradient."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    program = tl.program_id(0).to(tl.int64)
    batch, first, row, column = _place(program, channels, out_height, out_width, CHANNELS, BLOCK_H, BLOCK_W)
    inside = (row < out_height)[:, None] & (column < out_width)[None, :]
    u = _centre(column, out_width, ALIGN_CORNERS, ACC)[None, :]
    v = _centre(row, out_height, ALIGN_CORNERS, ACC)[:, None]
    x, y = _spline(controls_ptr, coefficients_ptr + batch * (count + 3) * 2, count, u, v)
    x = x * _pixels_per_unit(width, ALIGN_CORNERS, ACC) + (tl.full((), width, ACC) - 1.0) * 0.5
    y = y * _pixels_per_unit(height, ALIGN_CORNERS, ACC) + (tl.full((), height, ACC) - 1.0) * 0.5
    x, slope_x = source_position(x, width, ALIGN_CORNERS, PADDING, ACC)
    y, slope_y = source_position(y, height, ALIGN_CORNERS, PADDING, ACC)
    left_index, toward_x, left, right = neighbours(x, width)
    top_index, toward_y, top, bottom = neighbours(y, height)
    top = top & inside
    bottom = bottom & inside

    top_offset = top_index.to(tl.int64)
    left_offset = left_index.to(tl.int64)
    place_ptr = upstream_ptr + batch * u_b + first * u_c + row.to(tl.int64)[:, None] * u_h + column.to(tl.int64)[None, :] * u_w
    pixel_ptr = image_ptr + batch * x_b + first * x_c + top_offset * x_h + left_offset * x_w
    grad_ptr = grad_image_ptr + batch * g_b + first * g_c + top_offset * g_h + left_offset * g_w
    grad_x = tl.zeros_like(x)
    grad_y = tl.zeros_like(y)
    for _ in range(first, tl.minimum(first + CHANNELS, channels)):
        grad = tl.load(place_ptr, mask=inside, other=0.0).to(ACC)
        if WITH_SPLINE:
            nw, ne, sw, se = read_four(pixel_ptr, x_h, x_w, top, bottom, left, right, ACC)
            grad_x += grad * ((ne - nw) * (1.0 - toward_y) + (se - sw) * toward_y)
            grad_y += grad * ((sw - nw) * (1.0 - toward_x) + (se - ne) * toward_x)
        if WITH_IMAGE:
            add_four(grad_ptr, g_h, g_w, top, bottom, left, right, toward_x, toward_y, grad)
        place_ptr += u_c
        pixel_ptr += x_c
        grad_ptr += g_c

    if WITH_SPLINE:
        grad_x = grad_x * slope_x * _pixels_per_unit(width, ALIGN_CORNERS, ACC)
        grad_y = grad_y * slope_y * _pixels_per_unit(height, ALIGN_CORNERS, ACC)
        share_ptr = shares_ptr + program * (count + 3) * 2
        for k in range(0, count):
            bend = _radial(u, v, controls_ptr + k * 2)
            tl.store(share_ptr + k * 2, tl.sum(tl.sum(grad_x * bend, axis=1), axis=0))
            tl.store(share_ptr + k * 2 + 1, tl.sum(tl.sum(grad_y * bend, axis=1), axis=0))
        share_ptr += count * 2
        tl.store(share_ptr, tl.sum(tl.sum(grad_x, axis=1), axis=0))
        tl.store(share_ptr + 1, tl.sum(tl.sum(grad_y, axis=1), axis=0))
        tl.store(share_ptr + 2, tl.sum(tl.sum(grad_x * u, axis=1), axis=0))
        tl.store(share_ptr + 3, tl.sum(tl.sum(grad_y * u, axis=1), axis=0))
        tl.store(share_ptr + 4, tl.sum(tl.sum(grad_x * v, axis=1), axis=0))
        tl.store(share_ptr + 5, tl.sum(tl.sum(grad_y * v, axis=1), axis=0))
