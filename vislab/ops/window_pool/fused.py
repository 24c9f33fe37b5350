"""Attention windows as Triton kernels: filters without a read, and both of them applied to an image in one pass.

``F_y I F_xᵀ`` is linear in each of its three factors, so its gradients are products of the same two shapes again: ``_sandwich`` (filters on
both sides of an image) and ``_side`` (one filter's gradient). Each is the other's derivative, to any order.
"""

from functools import partial

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.elementary import log_sigmoid
from vislab.ops.launch import high_and_low, launch, refuse_compiled_kernel_on_cpu, warps_for
from vislab.ops.tiles import exact, load_tile, store_tile, tile_of
from vislab.ops.window_filters import window_filters

_KINDS = {"gaussian": 0, "box": 1, "bump": 2}
# pixels of a filter's row that one program holds at a time, and how far a tile of a matrix product reaches.
_ROW_MAX = 1024
_TILE_MAX = 32
# a matrix product's tile has no side below 16 in any version of Triton.
_TILE_MIN = 16


def window_pool_fused(
    images: Tensor, centres: Tensor, extents: Tensor, size: tuple[int, int], window: str, width: float, softness: float, smallest: float
) -> Tensor:
    """Compute ``window_pool`` by the kernels of this file; arguments as there, already checked; ``smallest`` is a scale in pixels.

    Raises:
        RuntimeError: images on a CPU while Triton's interpreter is off.
    """
    refuse_compiled_kernel_on_cpu("images", images, _sandwich_kernel)
    double = torch.float64 in (images.dtype, centres.dtype, extents.dtype)
    dtype = torch.float64 if double else torch.float32
    shape = (window, width, softness, smallest, dtype)
    rows = _filters(centres[:, 1], extents[:, 1], size[0], images.shape[2], *shape)
    columns = _filters(centres[:, 0], extents[:, 0], size[1], images.shape[3], *shape)
    return _sandwich(rows, images, columns)


@torch.library.custom_op(
    "vislab::window_filters",
    mutates_args=(),
    schema="(Tensor centre, Tensor extent, int cells, int pixels, str window, float width, float softness, float smallest,"
    " ScalarType dtype) -> Tensor",
)
def _filters(centre, extent, cells, pixels, window, width, softness, smallest, dtype):
    filters = centre.new_empty((centre.shape[0], cells, pixels), dtype=dtype)
    launch(
        *(_filter_kernel, centre.shape[0] * cells, centre),
        *(centre, extent, filters, cells, pixels, centre.stride(0), extent.stride(0)),
        *(*high_and_low(width), *high_and_low(softness), *high_and_low(smallest)),
        **_row_constants(window, dtype, pixels),
    )
    return filters


@torch.library.custom_op(
    "vislab::window_filters_backward",
    mutates_args=(),
    schema="(Tensor grad_filters, Tensor filters, Tensor centre, Tensor extent, str window, float width, float softness, float smallest)"
    " -> (Tensor, Tensor)",
)
def _filters_backward(grad_filters, filters, centre, extent, window, width, softness, smallest):
    batch, cells, pixels = filters.shape
    # one row a program, summed at the end: always in the same order.
    grads = filters.new_empty((2, batch, cells))
    launch(
        *(_filter_gradient_kernel, batch * cells, centre),
        *(grad_filters.contiguous(), filters, centre, extent, *grads, cells, pixels, centre.stride(0), extent.stride(0)),
        *(*high_and_low(width), *high_and_low(softness), *high_and_low(smallest)),
        **_row_constants(window, filters.dtype, pixels),
    )
    return grads[0].sum(-1).to(centre.dtype), grads[1].sum(-1).to(extent.dtype)


def _row_constants(window, dtype, pixels):
    block = min(triton.next_power_of_2(pixels), _ROW_MAX)
    return {"KIND": _KINDS[window], "DOUBLE": dtype == torch.float64, "BLOCK": block, "num_warps": warps_for(block, 256)}


def _save_filters(ctx, inputs, output):
    centre, extent, _, _, *ctx.shape, _ = inputs
    ctx.save_for_backward(output, centre, extent)


def _filters_first_order(ctx, grad_filters):
    return *_filters_backward(grad_filters, *ctx.saved_tensors, *ctx.shape), *([None] * 7)


def _save_filters_backward(ctx, inputs, output):
    grad_filters, _, centre, extent, *ctx.shape = inputs
    ctx.save_for_backward(grad_filters, centre, extent)


def _filters_second_order(ctx, grad_grad_centre, grad_grad_extent):
    # rare (a gradient penalty), so left to PyTorch; what depends on centre and extent through the filters is counted in their own gradient.
    pull_back = torch.func.vjp(partial(_filters_gradient, ctx.shape), *ctx.saved_tensors)[1]
    grad_grad, grad_centre, grad_extent = pull_back((grad_grad_centre, grad_grad_extent))
    return grad_grad, None, grad_centre, grad_extent, *([None] * 4)


def _filters_gradient(shape, grad_filters, centre, extent):
    """What the gradient kernel computes, in PyTorch's own ops, so that it can be differentiated again."""
    dtype, shape = grad_filters.dtype, (*grad_filters.shape[1:], *shape)
    return torch.func.vjp(lambda *axis: window_filters(*(each.to(dtype) for each in axis), *shape), centre, extent)[1](grad_filters)


@torch.library.custom_op("vislab::window_pool", mutates_args=(), schema="(Tensor left, Tensor images, Tensor right) -> Tensor")
def _sandwich(left, images, right):
    (batch, channels, height, width), rows, columns = images.shape, left.shape[1], right.shape[1]
    pooled = images.new_empty((batch, channels, rows, columns))
    blocks = _blocks(M=rows, N=columns, P=height, Q=width)
    launch(
        *(_sandwich_kernel, batch * channels * triton.cdiv(rows, blocks["BLOCK_M"]) * triton.cdiv(columns, blocks["BLOCK_N"]), images),
        *(left, images, right, pooled, channels, rows, columns, height, width, *left.stride(), *images.stride(), *right.stride()),
        **{"DOUBLE": left.dtype == torch.float64, "num_warps": 4} | blocks,
    )
    return pooled


@torch.library.custom_op("vislab::window_pool_side", mutates_args=(), schema="(Tensor outer, Tensor images, Tensor right) -> Tensor")
def _side(outer, images, right):
    (batch, channels, height, width), (rows, columns) = images.shape, outer.shape[2:]
    grad_left = right.new_empty((batch, rows, height))
    blocks = _blocks(M=rows, N=columns, P=height, Q=width)
    launch(
        *(_side_kernel, batch * triton.cdiv(rows, blocks["BLOCK_M"]) * triton.cdiv(height, blocks["BLOCK_P"]), images),
        *(outer, images, right, grad_left, channels, rows, columns, height, width, *outer.stride(), *images.stride(), *right.stride()),
        **{"DOUBLE": right.dtype == torch.float64, "num_warps": 4} | blocks,
    )
    return grad_left


def _blocks(**sides):
    return {f"BLOCK_{side}": min(max(triton.next_power_of_2(length), _TILE_MIN), _TILE_MAX) for side, length in sides.items()}


def _save_all(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def _sandwich_gradient(ctx, grad):
    left, images, right = ctx.saved_tensors
    grad_left = _side(grad, images, right)
    grad_right = _side(grad.transpose(2, 3), images.transpose(2, 3), left)
    return grad_left, _sandwich(left.transpose(1, 2), grad, right.transpose(1, 2)).to(images.dtype), grad_right


def _side_gradient(ctx, grad):
    outer, images, right = ctx.saved_tensors
    grad_right = _side(outer.transpose(2, 3), images.transpose(2, 3), grad)
    return _sandwich(grad, images, right), _sandwich(grad.transpose(1, 2), outer, right.transpose(1, 2)), grad_right


_filters.register_fake(lambda centre, extent, cells, pixels, *shape: centre.new_empty((centre.shape[0], cells, pixels), dtype=shape[-1]))
_filters.register_autograd(_filters_first_order, setup_context=_save_filters)
_filters_backward.register_fake(lambda grad, filters, *numbers: tuple(each.new_empty(each.shape) for each in numbers[:2]))
_filters_backward.register_autograd(_filters_second_order, setup_context=_save_filters_backward)
_sandwich.register_fake(lambda left, images, right: images.new_empty((*images.shape[:2], left.shape[1], right.shape[1])))
_sandwich.register_autograd(_sandwich_gradient, setup_context=_save_all)
_side.register_fake(lambda outer, images, right: right.new_empty((images.shape[0], outer.shape[2], images.shape[2])))
_side.register_autograd(_side_gradient, setup_context=_save_all)


@triton.jit
def _log_weight(u, softness, KIND: tl.constexpr):
    """Return the logarithm of a window at ``u`` scales from its middle; a bump's is -inf from 1 on."""
    if KIND == 0:
        return -0.5 * u * u
    if KIND == 1:
        return log_sigmoid((1.0 + u) / softness) + log_sigmoid((1.0 - u) / softness)
    # written so that NaN is inside, and shows. (1 − u)(1 + u): at the edge 1 − u² would cost half the digits.
    outside = tl.abs(u) >= 1.0
    inner = tl.where(outside, 0.0, u)
    return tl.where(outside, float("-inf"), 1.0 - 1.0 / ((1.0 - inner) * (1.0 + inner)))


@triton.jit
def _log_weight_slope(u, softness, KIND: tl.constexpr):
    """Return the derivative of ``_log_weight`` by ``u``, 0 outside a bump."""
    if KIND == 0:
        return -u
    if KIND == 1:
        # sigmoid(−x) as exp(log sigmoid(−x)): exp(x) would overflow.
        return (tl.exp(log_sigmoid(-(1.0 + u) / softness)) - tl.exp(log_sigmoid((u - 1.0) / softness))) / softness
    outside = tl.abs(u) >= 1.0
    inner = tl.where(outside, 0.0, u)
    gap = (1.0 - inner) * (1.0 + inner)
    return -2.0 * inner / (gap * gap)


@triton.jit
def _window(
    centre_ptr, extent_ptr, batch, cell, cells, stride_centre, stride_extent, width_high, width_low, smallest_high, smallest_low,
    ACC: tl.constexpr,
):  # fmt: skip
    """Return a window's middle and scale in pixels, its distance from the centre in steps, and what its scale gains with the step."""
    extent = tl.load(extent_ptr + batch * stride_extent).to(ACC)
    # tl.full, not .to: Triton makes an argument of 1 a constant, which has no .to.
    count = tl.full((), cells, ACC)
    step = tl.where(extent <= 0, 0.0, extent) / count
    from_centre = cell - (count - 1.0) * 0.5
    width = exact(width_high, width_low, ACC)
    smallest = exact(smallest_high, smallest_low, ACC)
    free = width * step > smallest
    middle = tl.load(centre_ptr + batch * stride_centre).to(ACC) + from_centre * step
    # an extent at or below 0 moves nothing.
    moves = tl.where(extent <= 0, 0.0, 1.0 / count)
    return middle, tl.where(free, width * step, smallest), from_centre * moves, tl.where(free, width * moves, 0.0)


@triton.jit
def _log_weights_from(first, pixels, middle, scale, softness, KIND: tl.constexpr, ACC: tl.constexpr, BLOCK: tl.constexpr):
    pixel = first + tl.arange(0, BLOCK)
    log_weight = _log_weight((pixel.to(ACC) - middle) / scale, softness, KIND)
    return tl.where(pixel < pixels, log_weight, float("-inf"))


@triton.jit
def _filter_kernel(
    centre_ptr, extent_ptr, filters_ptr, cells, pixels, stride_centre, stride_extent,
    width_high, width_low, softness_high, softness_low, smallest_high, smallest_low,
    KIND: tl.constexpr, DOUBLE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One program a window: the largest logarithm, the sum, then the weights; computed three times, since nothing is read."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    program = tl.program_id(0).to(tl.int64)
    middle, scale, _, _ = _window(
        centre_ptr, extent_ptr, program // cells, (program % cells).to(ACC), cells, stride_centre, stride_extent,
        width_high, width_low, smallest_high, smallest_low, ACC,
    )  # fmt: skip
    softness = exact(softness_high, softness_low, ACC)
    peak = tl.full((), float("-inf"), ACC)
    for first in range(0, pixels, BLOCK):
        log_weight = _log_weights_from(first, pixels, middle, scale, softness, KIND, ACC, BLOCK)
        peak = tl.maximum(peak, tl.max(log_weight, axis=0))
    # a bump without a pixel has no peak to subtract: -inf minus -inf is NaN.
    peak = tl.where(peak == float("-inf"), 0.0, peak)
    total = tl.full((), 0.0, ACC)
    for first in range(0, pixels, BLOCK):
        log_weight = _log_weights_from(first, pixels, middle, scale, softness, KIND, ACC, BLOCK)
        total += tl.sum(tl.exp(log_weight - peak), axis=0)
    # == 0, not <= or >: a NaN must stay a NaN.
    total = tl.where(total == 0, 1.0, total)
    for first in range(0, pixels, BLOCK):
        pixel = first + tl.arange(0, BLOCK)
        log_weight = _log_weights_from(first, pixels, middle, scale, softness, KIND, ACC, BLOCK)
        tl.store(filters_ptr + program * pixels + pixel, tl.exp(log_weight - peak) / total, mask=pixel < pixels)


@triton.jit
def _load_both(first_ptr, second_ptr, offset, inside):
    return tl.load(first_ptr + offset, mask=inside, other=0.0), tl.load(second_ptr + offset, mask=inside, other=0.0)


@triton.jit
def _filter_gradient_kernel(
    grad_filters_ptr, filters_ptr, centre_ptr, extent_ptr, grad_centre_ptr, grad_extent_ptr,
    cells, pixels, stride_centre, stride_extent,
    width_high, width_low, softness_high, softness_low, smallest_high, smallest_low,
    KIND: tl.constexpr, DOUBLE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One program a window: the softmax's gradient, then along the window's middle and its scale."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    program = tl.program_id(0).to(tl.int64)
    middle, scale, middle_by_extent, scale_by_extent = _window(
        centre_ptr, extent_ptr, program // cells, (program % cells).to(ACC), cells, stride_centre, stride_extent,
        width_high, width_low, smallest_high, smallest_low, ACC,
    )  # fmt: skip
    softness = exact(softness_high, softness_low, ACC)
    mean = tl.full((), 0.0, ACC)
    for first in range(0, pixels, BLOCK):
        pixel = first + tl.arange(0, BLOCK)
        weight, grad = _load_both(filters_ptr, grad_filters_ptr, program * pixels + pixel, pixel < pixels)
        mean += tl.sum(weight * grad, axis=0)
    grad_middle = tl.full((), 0.0, ACC)
    grad_scale = tl.full((), 0.0, ACC)
    for first in range(0, pixels, BLOCK):
        pixel = first + tl.arange(0, BLOCK)
        weight, grad = _load_both(filters_ptr, grad_filters_ptr, program * pixels + pixel, pixel < pixels)
        u = (pixel.to(ACC) - middle) / scale
        along_u = weight * (grad - mean) * _log_weight_slope(u, softness, KIND)
        grad_middle -= tl.sum(along_u, axis=0) / scale
        grad_scale -= tl.sum(along_u * u, axis=0) / scale
    tl.store(grad_centre_ptr + program, grad_middle)
    tl.store(grad_extent_ptr + program, grad_middle * middle_by_extent + grad_scale * scale_by_extent)


@triton.jit
def _narrow_tile(
    image_ptr, right_ptr, p, n, height, columns, width, x_h, x_w, r_n, r_w,
    DOUBLE: tl.constexpr, BLOCK_P: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_Q: tl.constexpr,
):  # fmt: skip
    """Apply the right filter to a tile of an image's rows, ``[BLOCK_P, BLOCK_N]``."""
    narrow = tl.full((BLOCK_P, BLOCK_N), 0.0, tl.float64 if DOUBLE else tl.float32)
    for first in range(0, width, BLOCK_Q):
        q = first + tl.arange(0, BLOCK_Q)
        pixels = load_tile(image_ptr, p, q, p < height, q < width, x_h, x_w, DOUBLE)
        weight = load_tile(right_ptr, q, n, q < width, n < columns, r_w, r_n, DOUBLE)
        narrow = tl.dot(pixels, weight, narrow, input_precision="ieee", out_dtype=narrow.dtype)
    return narrow


@triton.jit
def _sandwich_kernel(
    left_ptr, images_ptr, right_ptr, pooled_ptr, channels, rows, columns, height, width,
    l_b, l_m, l_h, x_b, x_c, x_h, x_w, r_b, r_n, r_w,
    DOUBLE: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_P: tl.constexpr, BLOCK_Q: tl.constexpr,
):  # fmt: skip
    """One program a tile of one channel's answer: the image passes by once, narrowed by the right filter, then by the left one."""
    index, m, n = tile_of(tl.program_id(0).to(tl.int64), rows, columns, BLOCK_M, BLOCK_N)
    batch, channel = index // channels, index % channels
    image_ptr = images_ptr + batch * x_b + channel * x_c
    pooled = tl.full((BLOCK_M, BLOCK_N), 0.0, tl.float64 if DOUBLE else tl.float32)
    for first in range(0, height, BLOCK_P):
        p = first + tl.arange(0, BLOCK_P)
        narrow = _narrow_tile(
            image_ptr, right_ptr + batch * r_b, p, n, height, columns, width, x_h, x_w, r_n, r_w, DOUBLE, BLOCK_P, BLOCK_N, BLOCK_Q
        )
        weight = load_tile(left_ptr + batch * l_b, m, p, m < rows, p < height, l_m, l_h, DOUBLE)
        pooled = tl.dot(weight, narrow, pooled, input_precision="ieee", out_dtype=pooled.dtype)
    store_tile(pooled_ptr + index * rows * columns, m, n, m < rows, n < columns, columns, 1, pooled)


@triton.jit
def _side_kernel(
    outer_ptr, images_ptr, right_ptr, grad_left_ptr, channels, rows, columns, height, width,
    g_b, g_c, g_m, g_n, x_b, x_c, x_h, x_w, r_b, r_n, r_w,
    DOUBLE: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_P: tl.constexpr, BLOCK_Q: tl.constexpr,
):  # fmt: skip
    """One program a tile of the left filter's gradient, ``sum over channels of outer · (image · rightᵀ)ᵀ``."""
    batch, m, p = tile_of(tl.program_id(0).to(tl.int64), rows, height, BLOCK_M, BLOCK_P)
    grad_left = tl.full((BLOCK_M, BLOCK_P), 0.0, tl.float64 if DOUBLE else tl.float32)
    image_ptr, upstream_ptr = images_ptr + batch * x_b, outer_ptr + batch * g_b
    for _ in range(0, channels):
        for first in range(0, columns, BLOCK_N):
            n = first + tl.arange(0, BLOCK_N)
            narrow = _narrow_tile(
                image_ptr, right_ptr + batch * r_b, p, n, height, columns, width, x_h, x_w, r_n, r_w, DOUBLE, BLOCK_P, BLOCK_N, BLOCK_Q
            )
            upstream = load_tile(upstream_ptr, m, n, m < rows, n < columns, g_m, g_n, DOUBLE)
            grad_left = tl.dot(upstream, tl.trans(narrow), grad_left, input_precision="ieee", out_dtype=grad_left.dtype)
        # step by step: a channel's offset in a large batch can pass 2^31.
        image_ptr += x_c
        upstream_ptr += g_c
    store_tile(grad_left_ptr + batch * rows * height, m, p, m < rows, p < height, height, 1, grad_left)
