"""RoIAlign as Triton kernels: samples are read where they lie, and no tap or grid is ever written."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import high_and_low, launch, refuse_compiled_kernel_on_cpu
from vislab.ops.precision import accumulator
from vislab.ops.regions.derivatives import averages, tie_averages
from vislab.ops.regions.kernels import blocks_of, load_region
from vislab.ops.tiles import exact, tile_of


def roi_align_fused(
    features: Tensor,
    boxes: Tensor,
    index: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """Compute ``roi_align`` by the kernels of this file; arguments as in the reference, already checked.

    Raises:
        RuntimeError: features on a CPU while Triton's interpreter is off.
    """
    refuse_compiled_kernel_on_cpu("features", features, _pool_kernel)
    return _forward(features, boxes, index, *output_size, spatial_scale, sampling_ratio, aligned)


@torch.library.custom_op(
    "vislab::roi_align",
    mutates_args=(),
    schema="(Tensor features, Tensor boxes, Tensor index, SymInt height, SymInt width, float scale, int ratio, bool aligned) -> Tensor",
)
def _forward(features, boxes, index, height, width, scale, ratio, aligned):
    pooled = averages(features, boxes, index, height, width)
    constants, blocks = blocks_of(features.shape[1], height * width)
    launch(
        *(_pool_kernel, boxes.shape[0] * blocks, features),
        *(features, boxes.contiguous(), index.contiguous(), pooled, *features.shape, height, width, *high_and_low(scale), ratio),
        *features.stride(),
        **constants | _flags(features, ratio, aligned),
    )
    return pooled


@torch.library.custom_op(
    "vislab::roi_align_backward",
    mutates_args=(),
    schema="(Tensor grad, Tensor features, Tensor boxes, Tensor index, float scale, int ratio, bool aligned,"
    " bool with_features, bool with_boxes) -> (Tensor, Tensor)",
)
def _backward(grad, features, boxes, index, scale, ratio, aligned, with_features, with_boxes):
    wide = accumulator(features.dtype)
    # many samples add to one pixel: in half precision the sum would stall.
    grad_features = torch.zeros_like(features, dtype=wide) if with_features else features.new_empty(0, dtype=wide)
    (regions, channels, height, width), wanted = grad.shape, with_features or with_boxes
    constants, blocks = blocks_of(channels, height * width)
    # one row a program, summed afterwards: boxes get the same gradient in every run.
    sides = features.new_empty((regions, blocks if with_boxes else 0, 4), dtype=wide)
    launch(
        *(_gradient_kernel, regions * blocks if wanted else 0, features),
        *(grad, features, boxes.contiguous(), index.contiguous(), grad_features, sides),
        *(*features.shape, height, width, *high_and_low(scale), ratio),
        *(*features.stride(), *(grad_features.stride() if with_features else (0, 0, 0, 0)), *grad.stride()),
        **constants | _flags(features, ratio, aligned) | {"WITH_FEATURES": with_features, "WITH_BOXES": with_boxes},
    )
    grad_boxes = torch.empty_like(boxes).copy_(sides.sum(1)) if with_boxes else boxes.new_empty(0)
    return grad_features.to(features.dtype), grad_boxes


def _flags(features, ratio, aligned):
    return {"DOUBLE": features.dtype == torch.float64, "ADAPTIVE": ratio <= 0, "ALIGNED": aligned}


tie_averages(_forward, _backward)


@triton.jit
def _sampling(low, high, scale, bins, length, ratio, ADAPTIVE: tl.constexpr, ALIGNED: tl.constexpr):
    """Return an axis' first edge, its extent, 1 where the extent follows the box, samples a bin, and how many of them can count."""
    shift = 0.5 if ALIGNED else 0.0
    low = low * scale - shift
    extent = (high * scale - shift) - low
    free = tl.full((), 1.0, low.dtype)
    if not ALIGNED:
        free = tl.where(extent >= 1, free, 0.0)
        extent = tl.maximum(extent, 1.0)
    if ADAPTIVE:
        samples = tl.maximum(tl.ceil(extent / bins), 0.0)
        # adaptive samples lie at most a pixel and at least half a pixel apart: only so many fall on the map, however large the box.
        loops = tl.minimum(samples, 2.0 * length + 5).to(tl.int32)
    else:
        samples = tl.full((), ratio, low.dtype)
        loops = tl.full((), ratio, tl.int32)
    return low, extent, free, samples, loops


@triton.jit
def _first_sample(bin_, low, extent, samples, loops, bins):
    """Where the loop over a bin's samples begins: at 0, or shortly before the map."""
    # a box without extent has no samples to skip, and nothing to divide by.
    step = tl.where(extent > 0, extent, 1.0)
    before = tl.floor((-1 - low - bin_ / bins * extent) * (samples * bins / step)) - 1
    return tl.where(samples > loops, tl.maximum(before, 0.0), 0.0)


@triton.jit
def _sample(sample, bin_, low, extent, samples, bins, length):
    """Return, for sample number ``sample`` of each bin: fraction of the extent, whether it counts, whether it moves, two pixels, share."""
    fraction = (bin_ + (sample + 0.5) / samples) / bins
    position = low + fraction * extent
    # written so that NaN does not count.
    counts = (position >= -1) & (position <= length) & (sample < samples)
    moves = counts & (position >= 0) & (position <= length - 1)
    position = tl.minimum(tl.maximum(position, 0.0), length - 1.0)
    left = tl.floor(position)
    share = position - left
    pixel = left.to(tl.int64)
    return fraction, counts, moves, pixel, tl.minimum(pixel + 1, length - 1), share


@triton.jit
def _axis(low, high, bin_, right, scale, bins, length, ratio, ADAPTIVE: tl.constexpr, ALIGNED: tl.constexpr):
    """Return what the loop over an axis' samples needs: ``_sampling``'s numbers, and where it begins."""
    low, extent, free, samples, loops = _sampling(low, high, scale, bins, length, ratio, ADAPTIVE, ALIGNED)
    # no sample of a box without a right index is ever read.
    loops = tl.where(right, loops, 0)
    return low, extent, free, samples, loops, _first_sample(bin_, low, extent, samples, loops, bins)


@triton.jit
def _read_four(plane_ptr, top, bottom, left, right, stride_h, stride_w, read, ACC: tl.constexpr):
    """Load, for each bin, the four pixels around its sample, ``[BLOCK_C, BLOCK_P]`` each; 0 where none is read."""
    top_left = tl.load(plane_ptr + (top * stride_h + left * stride_w)[None, :], mask=read, other=0.0).to(ACC)
    top_right = tl.load(plane_ptr + (top * stride_h + right * stride_w)[None, :], mask=read, other=0.0).to(ACC)
    bottom_left = tl.load(plane_ptr + (bottom * stride_h + left * stride_w)[None, :], mask=read, other=0.0).to(ACC)
    bottom_right = tl.load(plane_ptr + (bottom * stride_h + right * stride_w)[None, :], mask=read, other=0.0).to(ACC)
    return top_left, top_right, bottom_left, bottom_right


@triton.jit
def _pool_kernel(
    features_ptr, boxes_ptr, index_ptr, pooled_ptr, images, channels, length_y, length_x, bins_y, bins_x, scale_high, scale_low, ratio,
    stride_b, stride_c, stride_h, stride_w,
    DOUBLE: tl.constexpr, ADAPTIVE: tl.constexpr, ALIGNED: tl.constexpr, BLOCK_C: tl.constexpr, BLOCK_P: tl.constexpr,
):  # fmt: skip
    """One program a box, a block of channels and a block of bins."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    region, channel, cell = tile_of(tl.program_id(0).to(tl.int64), channels, bins_y * bins_x, BLOCK_C, BLOCK_P)
    bin_y, bin_x = (cell // bins_x).to(ACC), (cell % bins_x).to(ACC)
    inside = (channel < channels)[:, None] & (cell < bins_y * bins_x)[None, :]
    scale = exact(scale_high, scale_low, ACC)
    image, x1, y1, x2, y2, right = load_region(boxes_ptr, index_ptr, region, images, 1.0, ACC)
    low_y, extent_y, _free_y, samples_y, loops_y, first_y = _axis(y1, y2, bin_y, right, scale, bins_y, length_y, ratio, ADAPTIVE, ALIGNED)
    low_x, extent_x, _free_x, samples_x, loops_x, first_x = _axis(x1, x2, bin_x, right, scale, bins_x, length_x, ratio, ADAPTIVE, ALIGNED)

    # int64: an offset in a large batch of features can pass 2^31.
    plane_ptr = features_ptr + image.to(tl.int64) * stride_b + channel.to(tl.int64)[:, None] * stride_c
    total = tl.zeros((BLOCK_C, BLOCK_P), ACC)
    for turn_y in range(0, loops_y):
        _fraction_y, counts_y, _moves_y, top, bottom, share_y = _sample(
            first_y + turn_y, bin_y, low_y, extent_y, samples_y, bins_y, length_y
        )
        for turn_x in range(0, loops_x):
            _fraction_x, counts_x, _moves_x, left, right_, share_x = _sample(
                first_x + turn_x, bin_x, low_x, extent_x, samples_x, bins_x, length_x
            )
            read = inside & (counts_y & counts_x)[None, :]
            top_left, top_right, bottom_left, bottom_right = _read_four(plane_ptr, top, bottom, left, right_, stride_h, stride_w, read, ACC)
            upper = top_left * (1 - share_x)[None, :] + top_right * share_x[None, :]
            lower = bottom_left * (1 - share_x)[None, :] + bottom_right * share_x[None, :]
            total += upper * (1 - share_y)[None, :] + lower * share_y[None, :]
    pooled = total / tl.maximum(samples_y * samples_x, 1.0)
    pooled = tl.where(right, pooled, float("nan"))
    pooled_offset = (region * channels + channel.to(tl.int64)[:, None]) * (bins_y * bins_x) + cell[None, :]
    tl.store(pooled_ptr + pooled_offset, pooled, mask=inside)


@triton.jit
def _gradient_kernel(
    grad_ptr, features_ptr, boxes_ptr, index_ptr, grad_features_ptr, sides_ptr,
    images, channels, length_y, length_x, bins_y, bins_x, scale_high, scale_low, ratio,
    stride_b, stride_c, stride_h, stride_w, target_stride_b, target_stride_c, target_stride_h, target_stride_w,
    grad_stride_k, grad_stride_c, grad_stride_h, grad_stride_w,
    DOUBLE: tl.constexpr, ADAPTIVE: tl.constexpr, ALIGNED: tl.constexpr, WITH_FEATURES: tl.constexpr, WITH_BOXES: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_P: tl.constexpr,
):  # fmt: skip
    """One program a box, a block of channels and a block of bins. Pixels that boxes share are added to atomically."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    region, channel, cell = tile_of(tl.program_id(0).to(tl.int64), channels, bins_y * bins_x, BLOCK_C, BLOCK_P)
    bin_y, bin_x = (cell // bins_x).to(ACC), (cell % bins_x).to(ACC)
    inside = (channel < channels)[:, None] & (cell < bins_y * bins_x)[None, :]
    scale = exact(scale_high, scale_low, ACC)
    image, x1, y1, x2, y2, right = load_region(boxes_ptr, index_ptr, region, images, 1.0, ACC)
    low_y, extent_y, free_y, samples_y, loops_y, first_y = _axis(y1, y2, bin_y, right, scale, bins_y, length_y, ratio, ADAPTIVE, ALIGNED)
    low_x, extent_x, free_x, samples_x, loops_x, first_x = _axis(x1, x2, bin_x, right, scale, bins_x, length_x, ratio, ADAPTIVE, ALIGNED)

    cell_offset = (cell // bins_x).to(tl.int64) * grad_stride_h + (cell % bins_x).to(tl.int64) * grad_stride_w
    grad_offset = region * grad_stride_k + channel.to(tl.int64)[:, None] * grad_stride_c + cell_offset[None, :]
    upstream = tl.load(grad_ptr + grad_offset, mask=inside, other=0.0).to(ACC) / tl.maximum(samples_y * samples_x, 1.0)
    plane_ptr = features_ptr + image.to(tl.int64) * stride_b + channel.to(tl.int64)[:, None] * stride_c
    target_ptr = grad_features_ptr + image.to(tl.int64) * target_stride_b + channel.to(tl.int64)[:, None] * target_stride_c
    side_x1 = tl.zeros((BLOCK_P,), ACC)
    side_x2 = tl.zeros((BLOCK_P,), ACC)
    side_y1 = tl.zeros((BLOCK_P,), ACC)
    side_y2 = tl.zeros((BLOCK_P,), ACC)
    for turn_y in range(0, loops_y):
        fraction_y, counts_y, moves_y, top, bottom, share_y = _sample(first_y + turn_y, bin_y, low_y, extent_y, samples_y, bins_y, length_y)
        for turn_x in range(0, loops_x):
            fraction_x, counts_x, moves_x, left, right_, share_x = _sample(
                first_x + turn_x, bin_x, low_x, extent_x, samples_x, bins_x, length_x
            )
            read = inside & (counts_y & counts_x)[None, :]
            if WITH_FEATURES:
                upper, lower = upstream * (1 - share_y)[None, :], upstream * share_y[None, :]
                at_top, at_bottom = target_ptr + (top * target_stride_h)[None, :], target_ptr + (bottom * target_stride_h)[None, :]
                at_left, at_right = (left * target_stride_w)[None, :], (right_ * target_stride_w)[None, :]
                tl.atomic_add(at_top + at_left, upper * (1 - share_x)[None, :], mask=read)
                tl.atomic_add(at_top + at_right, upper * share_x[None, :], mask=read)
                tl.atomic_add(at_bottom + at_left, lower * (1 - share_x)[None, :], mask=read)
                tl.atomic_add(at_bottom + at_right, lower * share_x[None, :], mask=read)
            if WITH_BOXES:
                top_left, top_right, bottom_left, bottom_right = _read_four(
                    plane_ptr, top, bottom, left, right_, stride_h, stride_w, read, ACC
                )
                down_left, down_right = bottom_left - top_left, bottom_right - top_right
                slope_y = down_left * (1 - share_x)[None, :] + down_right * share_x[None, :]
                slope_x = (top_right - top_left) * (1 - share_y)[None, :] + (bottom_right - bottom_left) * share_y[None, :]
                pull_y = tl.where(moves_y, tl.sum(upstream * slope_y, axis=0), 0.0)
                pull_x = tl.where(moves_x, tl.sum(upstream * slope_x, axis=0), 0.0)
                side_y1 += pull_y * (1 - fraction_y * free_y)
                side_y2 += pull_y * fraction_y * free_y
                side_x1 += pull_x * (1 - fraction_x * free_x)
                side_x2 += pull_x * fraction_x * free_x
    if WITH_BOXES:
        program = tl.program_id(0).to(tl.int64)
        tl.store(sides_ptr + program * 4, tl.sum(side_x1, axis=0) * scale)
        tl.store(sides_ptr + program * 4 + 1, tl.sum(side_y1, axis=0) * scale)
        tl.store(sides_ptr + program * 4 + 2, tl.sum(side_x2, axis=0) * scale)
        tl.store(sides_ptr + program * 4 + 3, tl.sum(side_y2, axis=0) * scale)
