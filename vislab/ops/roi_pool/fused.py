"""RoI pooling as Triton kernels: a bin's pixels are read once, and the backward pass visits one pixel a bin."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import high_and_low, launch, refuse_compiled_kernel_on_cpu
from vislab.ops.precision import accumulator
from vislab.ops.regions.derivatives import tie_maxima
from vislab.ops.regions.kernels import TILE, blocks_of, load_region, warps_of
from vislab.ops.tiles import exact, tile_of


def roi_pool_fused(features: Tensor, boxes: Tensor, index: Tensor, output_size: tuple[int, int], spatial_scale: float) -> Tensor:
    """Compute ``roi_pool`` by the kernels of this file; arguments as in the reference, already checked.

    Raises:
        RuntimeError: features on a CPU while Triton's interpreter is off.
    """
    refuse_compiled_kernel_on_cpu("features", features, _pool_kernel)
    return _forward(features, boxes, index, *output_size, spatial_scale)[0]


@torch.library.custom_op(
    "vislab::roi_pool",
    mutates_args=(),
    schema="(Tensor features, Tensor boxes, Tensor index, SymInt height, SymInt width, float scale) -> (Tensor, Tensor)",
)
def _forward(features, boxes, index, height, width, scale):
    pooled, argmax = _forward_outputs(features, boxes, index, height, width, scale)
    constants, blocks = blocks_of(features.shape[1], height * width)
    launch(
        *(_pool_kernel, boxes.shape[0] * blocks, features),
        *(features, boxes.contiguous(), index.contiguous(), pooled, argmax, *features.shape, height, width, *high_and_low(scale)),
        *features.stride(),
        **constants | {"DOUBLE": features.dtype == torch.float64},
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
    channels, bins_y, bins_x = grad.shape[1:]
    launch(
        *(_scatter_kernel, triton.cdiv(grad.numel(), TILE), grad),
        *(grad, argmax.contiguous(), index.contiguous(), grad_features),
        *(grad.numel(), channels, bins_y * bins_x, bins_x, images, height * width, *grad.stride()),
        **{"DOUBLE": grad.dtype == torch.float64, "BLOCK": TILE, "num_warps": warps_of(TILE)},
    )
    return grad_features.to(grad.dtype)


def _forward_outputs(features, boxes, index, height, width, scale):
    shape = (boxes.shape[0], features.shape[1], height, width)
    return features.new_empty(shape), features.new_empty(shape, dtype=torch.int32)


tie_maxima(_forward, _backward, _forward_outputs)


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
    features_ptr, boxes_ptr, index_ptr, pooled_ptr, argmax_ptr, images, channels, length_y, length_x, bins_y, bins_x, scale_high, scale_low,
    stride_b, stride_c, stride_h, stride_w,
    DOUBLE: tl.constexpr, BLOCK_C: tl.constexpr, BLOCK_P: tl.constexpr,
):  # fmt: skip
    """One program a box, a block of channels and a block of bins, which walk over their pixels in reading order together."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    region, channel, cell = tile_of(tl.program_id(0).to(tl.int64), channels, bins_y * bins_x, BLOCK_C, BLOCK_P)
    filled = cell < bins_y * bins_x
    inside = (channel < channels)[:, None] & filled[None, :]
    scale = exact(scale_high, scale_low, ACC)
    image, x1, y1, x2, y2, right = load_region(boxes_ptr, index_ptr, region, images, scale, ACC)
    left_edge, top_edge = _rounded(x1), _rounded(y1)
    right_edge, bottom_edge = _rounded(x2), _rounded(y2)
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
    grad_ptr, argmax_ptr, index_ptr, grad_features_ptr, outputs, channels, bins, bins_x, images, pixels,
    grad_stride_k, grad_stride_c, grad_stride_h, grad_stride_w,
    DOUBLE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
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
