"""RoI pooling as Triton kernels: a bin's pixels are read once, and the backward pass visits one pixel a bin."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import high_and_low, refuse_compiled_kernel_on_cpu
from vislab.ops.precision import accumulator

# outputs that one program holds at a time; 8 a thread at 256 a warp.
_TILE = 1024
_OUTPUTS_PER_WARP = 256
_BINS_MAX = 64


def roi_pool_fused(features: Tensor, boxes: Tensor, index: Tensor, output_size: tuple[int, int], spatial_scale: float) -> Tensor:
    """Compute ``roi_pool`` by the kernels of this file; arguments as in the reference, already checked.

    Raises:
        RuntimeError: features on a CPU while Triton's interpreter is off.
    """
    refuse_compiled_kernel_on_cpu("features", features, _pool_kernel)
    return _forward(features, boxes, index, *output_size, spatial_scale)[0]


def _save_for_backward(ctx, inputs, output):
    features, boxes, index = inputs[:3]
    ctx.save_for_backward(output[1], index, boxes)
    ctx.mark_non_differentiable(output[1])
    ctx.images, ctx.size = features.shape[0], features.shape[2:]


def _first_order(ctx, grad, _):
    argmax, index, boxes = ctx.saved_tensors
    grad_features = _backward(grad, argmax, index, ctx.images, *ctx.size) if ctx.needs_input_grad[0] else None
    # rounding is flat.
    return grad_features, torch.zeros_like(boxes) if ctx.needs_input_grad[1] else None, None, None, None, None


def _save_for_second_order(ctx, inputs, output):
    ctx.save_for_backward(*inputs[1:3])


def _second_order(ctx, upstream):
    # the gradient is linear: it is turned around by reading where it was added.
    argmax, index = ctx.saved_tensors
    picked = upstream[index.long().clamp(min=0)].flatten(2).gather(2, argmax.flatten(2).clamp(min=0).long()).view(argmax.shape)
    return picked.masked_fill(argmax < 0, 0.0), None, None, None, None, None


@torch.library.custom_op(
    "vislab::roi_pool",
    mutates_args=(),
    schema="(Tensor features, Tensor boxes, Tensor index, SymInt height, SymInt width, float scale) -> (Tensor, Tensor)",
)
def _forward(features, boxes, index, height, width, scale):
    pooled, argmax = _forward_outputs(features, boxes, index, height, width, scale)
    if pooled.numel():
        images, channels, length_y, length_x = features.shape
        block_c, block_p = _tile(channels, height * width)
        # all programs on axis 0: the other axes of a grid end at 65535.
        grid = (boxes.shape[0] * triton.cdiv(channels, block_c) * triton.cdiv(height * width, block_p),)
        with torch.cuda.device_of(features):
            _pool_kernel[grid](
                features,
                boxes.contiguous(),
                index.contiguous(),
                pooled,
                argmax,
                images,
                channels,
                length_y,
                length_x,
                height,
                width,
                *high_and_low(scale),
                *features.stride(),
                DOUBLE=features.dtype == torch.float64,
                BLOCK_C=block_c,
                BLOCK_P=block_p,
                num_warps=_warps(block_c * block_p),
            )
    return pooled, argmax


@torch.library.custom_op(
    "vislab::roi_pool_backward",
    mutates_args=(),
    schema="(Tensor grad, Tensor argmax, Tensor index, SymInt images, SymInt height, SymInt width) -> Tensor",
)
def _backward(grad, argmax, index, images, height, width):
    # boxes overlap: in half precision the sum would stall.
    grad_features = grad.new_zeros((images, grad.shape[1], height, width), dtype=accumulator(grad.dtype))
    if grad.numel():
        with torch.cuda.device_of(grad):
            _scatter_kernel[(triton.cdiv(grad.numel(), _TILE),)](
                grad,
                argmax.contiguous(),
                index.contiguous(),
                grad_features,
                grad.numel(),
                grad.shape[1],
                grad.shape[2] * grad.shape[3],
                grad.shape[3],
                images,
                height * width,
                *grad.stride(),
                DOUBLE=grad.dtype == torch.float64,
                BLOCK=_TILE,
                num_warps=_warps(_TILE),
            )
    return grad_features.to(grad.dtype)


def _forward_outputs(features, boxes, index, height, width, scale):
    shape = (boxes.shape[0], features.shape[1], height, width)
    return features.new_empty(shape), features.new_empty(shape, dtype=torch.int32)


def _backward_output(grad, argmax, index, images, height, width):
    return grad.new_empty((images, grad.shape[1], height, width))


_forward.register_fake(_forward_outputs)
_forward.register_autograd(_first_order, setup_context=_save_for_backward)
_backward.register_fake(_backward_output)
_backward.register_autograd(_second_order, setup_context=_save_for_second_order)


def _tile(channels, bins):
    """Return channels and bins of a tile: powers of two, no larger than needed."""
    block_p = min(triton.next_power_of_2(bins), _BINS_MAX)
    return min(triton.next_power_of_2(channels), _TILE // block_p), block_p


def _warps(outputs):
    return min(max(outputs // _OUTPUTS_PER_WARP, 1), 4)


@triton.jit
def _rounded(coordinate):
    """Round to the nearest whole number, halves away from 0, int64; cut off far outside every map."""
    size = tl.minimum(tl.abs(coordinate), 1073741824.0)
    whole = tl.floor(size)
    # not floor(size + 0.5): the sum rounds the number below 0.5 up to 1.
    whole = tl.where(size - whole >= 0.5, whole + 1, whole).to(tl.int64)
    return tl.where(coordinate < 0, -whole, whole)


@triton.jit
def _bins(bin_, first, last, bins, length):
    """Return where each bin begins and ends on the map; an empty one ends where it begins, or before."""
    extent = tl.maximum(last - first + 1, 1)
    # all numbers divided are at least 0, so cutting off is rounding down.
    start = first + bin_ * extent // bins
    end = first + ((bin_ + 1) * extent + bins - 1) // bins
    return tl.minimum(tl.maximum(start, 0), length), tl.minimum(tl.maximum(end, 0), length)


@triton.jit
def _pool_kernel(
    features_ptr,
    boxes_ptr,
    index_ptr,
    pooled_ptr,
    argmax_ptr,
    images,
    channels,
    length_y,
    length_x,
    bins_y,
    bins_x,
    scale_high,
    scale_low,
    stride_b,
    stride_c,
    stride_h,
    stride_w,
    DOUBLE: tl.constexpr,
    BLOCK_C: tl.constexpr,
    BLOCK_P: tl.constexpr,
):
    """One program a box, a block of channels and a block of bins, which walk over their pixels in reading order together."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    blocks_p = tl.cdiv(bins_y * bins_x, BLOCK_P)
    blocks = blocks_p * tl.cdiv(channels, BLOCK_C)
    program = tl.program_id(0).to(tl.int64)
    region = program // blocks
    block = (program % blocks).to(tl.int32)
    channel = (block // blocks_p) * BLOCK_C + tl.arange(0, BLOCK_C)
    cell = (block % blocks_p) * BLOCK_P + tl.arange(0, BLOCK_P)
    filled = cell < bins_y * bins_x
    inside = (channel < channels)[:, None] & filled[None, :]
    scale = tl.full((), scale_high, ACC) + tl.full((), scale_low, ACC)

    image = tl.load(index_ptr + region)
    x1 = tl.load(boxes_ptr + region * 4).to(ACC) * scale
    y1 = tl.load(boxes_ptr + region * 4 + 1).to(ACC) * scale
    x2 = tl.load(boxes_ptr + region * 4 + 2).to(ACC) * scale
    y2 = tl.load(boxes_ptr + region * 4 + 3).to(ACC) * scale
    # x - x is 0 for every finite number and NaN for the others.
    right = ((x1 - x1) + (y1 - y1) + (x2 - x2) + (y2 - y2) == 0) & (image >= 0) & (image < images)
    left_edge, top_edge = _rounded(tl.where(right, x1, 0.0)), _rounded(tl.where(right, y1, 0.0))
    right_edge, bottom_edge = _rounded(tl.where(right, x2, 0.0)), _rounded(tl.where(right, y2, 0.0))
    top, bottom = _bins((cell // bins_x).to(tl.int64), top_edge, bottom_edge, bins_y, length_y)
    left, right_end = _bins((cell % bins_x).to(tl.int64), left_edge, right_edge, bins_x, length_x)
    # no pixel of a box without a right index is ever read.
    rows = tl.where(right, tl.max(tl.where(filled, bottom - top, 0), axis=0), 0).to(tl.int32)
    columns = tl.max(tl.where(filled, right_end - left, 0), axis=0).to(tl.int32)

    # int64: an offset in a large batch of features can pass 2^31.
    plane_ptr = features_ptr + image.to(tl.int64) * stride_b + channel.to(tl.int64)[:, None] * stride_c
    best = tl.full((BLOCK_C, BLOCK_P), float("-inf"), ACC)
    where = tl.full((BLOCK_C, BLOCK_P), -1, tl.int32)
    for step_y in range(0, rows):
        row = top + step_y
        for step_x in range(0, columns):
            column = left + step_x
            read = inside & ((row < bottom) & (column < right_end))[None, :]
            value = tl.load(plane_ptr + (row * stride_h + column * stride_w)[None, :], mask=read, other=0.0).to(ACC)
            # the first pixel counts even at -inf; a NaN counts as the largest, the first of several.
            larger = (where < 0) | (value > best) | ((value != value) & (best == best))
            best = tl.where(read & larger, value, best)
            where = tl.where(read & larger, (row * length_x + column).to(tl.int32)[None, :], where)
    best = tl.where(where < 0, 0.0, best)
    best = tl.where(right, best, float("nan"))
    pooled_offset = (region * channels + channel.to(tl.int64)[:, None]) * (bins_y * bins_x) + cell[None, :]
    tl.store(pooled_ptr + pooled_offset, best, mask=inside)
    tl.store(argmax_ptr + pooled_offset, where, mask=inside)


@triton.jit
def _scatter_kernel(
    grad_ptr,
    argmax_ptr,
    index_ptr,
    grad_features_ptr,
    outputs,
    channels,
    bins,
    bins_x,
    images,
    pixels,
    grad_stride_k,
    grad_stride_c,
    grad_stride_h,
    grad_stride_w,
    DOUBLE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One program a block of outputs. Pixels that bins share are added to atomically."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    output = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = output < outputs
    plane = output // bins
    cell = output % bins
    region = plane // channels
    channel = plane % channels
    pixel = tl.load(argmax_ptr + output, mask=inside, other=-1)
    image = tl.load(index_ptr + region, mask=inside, other=-1)
    inside = inside & (pixel >= 0) & (image >= 0) & (image < images)
    grad_offset = region * grad_stride_k + channel * grad_stride_c + (cell // bins_x) * grad_stride_h + (cell % bins_x) * grad_stride_w
    upstream = tl.load(grad_ptr + grad_offset, mask=inside, other=0.0).to(ACC)
    tl.atomic_add(grad_features_ptr + (image.to(tl.int64) * channels + channel) * pixels + pixel, upstream, mask=inside)
