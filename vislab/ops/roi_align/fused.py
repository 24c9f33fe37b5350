"""RoIAlign as Triton kernels: samples are read where they lie, and no tap or grid is ever written."""

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


def _save_for_backward(ctx, inputs, output):
    features, boxes, index, _, _, *ctx.options = inputs
    ctx.save_for_backward(features, boxes, index)


def _first_order(ctx, grad):
    with_features, with_boxes = ctx.needs_input_grad[:2]
    grads = _backward(grad, *ctx.saved_tensors, *ctx.options, with_features, with_boxes)
    return grads[0] if with_features else None, grads[1] if with_boxes else None, None, None, None, None, None, None


@torch.library.custom_op(
    "vislab::roi_align",
    mutates_args=(),
    schema="(Tensor features, Tensor boxes, Tensor index, SymInt height, SymInt width, float scale, int ratio, bool aligned) -> Tensor",
)
def _forward(features, boxes, index, height, width, scale, ratio, aligned):
    pooled = _forward_output(features, boxes, index, height, width, scale, ratio, aligned)
    if pooled.numel():
        grid, shapes, constants = _launch(features, boxes.shape[0], height, width, scale, ratio, aligned)
        with torch.cuda.device_of(features):
            _pool_kernel[grid](features, boxes.contiguous(), index.contiguous(), pooled, *shapes, *features.stride(), **constants)
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
    grid, shapes, constants = _launch(features, boxes.shape[0], grad.shape[2], grad.shape[3], scale, ratio, aligned)
    # one row a program, summed afterwards: boxes get the same gradient in every run.
    programs = grid[0] // max(boxes.shape[0], 1)
    sides = features.new_empty((boxes.shape[0], programs if with_boxes else 0, 4), dtype=wide)
    if grad.numel() and (with_features or with_boxes):
        with torch.cuda.device_of(features):
            _gradient_kernel[grid](
                grad,
                features,
                boxes.contiguous(),
                index.contiguous(),
                grad_features,
                sides,
                *shapes,
                *features.stride(),
                *(grad_features.stride() if with_features else (0, 0, 0, 0)),
                *grad.stride(),
                WITH_FEATURES=with_features,
                WITH_BOXES=with_boxes,
                **constants,
            )
    else:
        sides.zero_()
    grad_boxes = torch.empty_like(boxes).copy_(sides.sum(1)) if with_boxes else boxes.new_empty(0)
    return grad_features.to(features.dtype), grad_boxes


def _forward_output(features, boxes, index, height, width, scale, ratio, aligned):
    return features.new_empty((boxes.shape[0], features.shape[1], height, width))


def _backward_outputs(grad, features, boxes, index, scale, ratio, aligned, with_features, with_boxes):
    grad_features = torch.empty_like(features) if with_features else features.new_empty(0)
    return grad_features, torch.empty_like(boxes) if with_boxes else boxes.new_empty(0)


_forward.register_fake(_forward_output)
_forward.register_autograd(_first_order, setup_context=_save_for_backward)
_backward.register_fake(_backward_outputs)


def _launch(features, regions, height, width, scale, ratio, aligned):
    """Return the grid (all programs on axis 0: the other axes end at 65535), the numbers and the constants of both kernels."""
    images, channels, rows, columns = features.shape
    block_c, block_p = _tile(channels, height * width)
    grid = (regions * triton.cdiv(channels, block_c) * triton.cdiv(height * width, block_p),)
    shapes = (images, channels, rows, columns, height, width, *high_and_low(scale), ratio)
    constants = {
        "DOUBLE": features.dtype == torch.float64,
        "ADAPTIVE": ratio <= 0,
        "ALIGNED": aligned,
        "BLOCK_C": block_c,
        "BLOCK_P": block_p,
        "num_warps": _warps(block_c * block_p),
    }
    return grid, shapes, constants


def _tile(channels, bins):
    """Return channels and bins of a tile: powers of two, no larger than needed."""
    block_p = min(triton.next_power_of_2(bins), _BINS_MAX)
    return min(triton.next_power_of_2(max(channels, 1)), _TILE // block_p), block_p


def _warps(outputs):
    return min(max(outputs // _OUTPUTS_PER_WARP, 1), 4)


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
def _pool_kernel(
    features_ptr,
    boxes_ptr,
    index_ptr,
    pooled_ptr,
    images,
    channels,
    length_y,
    length_x,
    bins_y,
    bins_x,
    scale_high,
    scale_low,
    ratio,
    stride_b,
    stride_c,
    stride_h,
    stride_w,
    DOUBLE: tl.constexpr,
    ADAPTIVE: tl.constexpr,
    ALIGNED: tl.constexpr,
    BLOCK_C: tl.constexpr,
    BLOCK_P: tl.constexpr,
):
    """One program a box, a block of channels and a block of bins."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    blocks_p = tl.cdiv(bins_y * bins_x, BLOCK_P)
    blocks = blocks_p * tl.cdiv(channels, BLOCK_C)
    program = tl.program_id(0).to(tl.int64)
    region = program // blocks
    block = (program % blocks).to(tl.int32)
    channel = (block // blocks_p) * BLOCK_C + tl.arange(0, BLOCK_C)
    cell = (block % blocks_p) * BLOCK_P + tl.arange(0, BLOCK_P)
    bin_y, bin_x = (cell // bins_x).to(ACC), (cell % bins_x).to(ACC)
    inside = (channel < channels)[:, None] & (cell < bins_y * bins_x)[None, :]
    scale = tl.full((), scale_high, ACC) + tl.full((), scale_low, ACC)

    image = tl.load(index_ptr + region)
    x1 = tl.load(boxes_ptr + region * 4).to(ACC)
    y1 = tl.load(boxes_ptr + region * 4 + 1).to(ACC)
    x2 = tl.load(boxes_ptr + region * 4 + 2).to(ACC)
    y2 = tl.load(boxes_ptr + region * 4 + 3).to(ACC)
    # x - x is 0 for every finite number and NaN for the others.
    right = ((x1 - x1) + (y1 - y1) + (x2 - x2) + (y2 - y2) == 0) & (image >= 0) & (image < images)
    x1, y1 = tl.where(right, x1, 0.0), tl.where(right, y1, 0.0)
    x2, y2 = tl.where(right, x2, 0.0), tl.where(right, y2, 0.0)
    low_y, extent_y, _free_y, samples_y, loops_y = _sampling(y1, y2, scale, bins_y, length_y, ratio, ADAPTIVE, ALIGNED)
    low_x, extent_x, _free_x, samples_x, loops_x = _sampling(x1, x2, scale, bins_x, length_x, ratio, ADAPTIVE, ALIGNED)
    # no sample of a box without a right index is ever read.
    loops_y = tl.where(right, loops_y, 0)
    first_y = _first_sample(bin_y, low_y, extent_y, samples_y, loops_y, bins_y)
    first_x = _first_sample(bin_x, low_x, extent_x, samples_x, loops_x, bins_x)

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
            top_left = tl.load(plane_ptr + (top * stride_h + left * stride_w)[None, :], mask=read, other=0.0).to(ACC)
            top_right = tl.load(plane_ptr + (top * stride_h + right_ * stride_w)[None, :], mask=read, other=0.0).to(ACC)
            bottom_left = tl.load(plane_ptr + (bottom * stride_h + left * stride_w)[None, :], mask=read, other=0.0).to(ACC)
            bottom_right = tl.load(plane_ptr + (bottom * stride_h + right_ * stride_w)[None, :], mask=read, other=0.0).to(ACC)
            upper = top_left * (1 - share_x)[None, :] + top_right * share_x[None, :]
            lower = bottom_left * (1 - share_x)[None, :] + bottom_right * share_x[None, :]
            total += upper * (1 - share_y)[None, :] + lower * share_y[None, :]
    pooled = total / tl.maximum(samples_y * samples_x, 1.0)
    pooled = tl.where(right, pooled, float("nan"))
    pooled_offset = (region * channels + channel.to(tl.int64)[:, None]) * (bins_y * bins_x) + cell[None, :]
    tl.store(pooled_ptr + pooled_offset, pooled, mask=inside)


@triton.jit
def _gradient_kernel(
    grad_ptr,
    features_ptr,
    boxes_ptr,
    index_ptr,
    grad_features_ptr,
    sides_ptr,
    images,
    channels,
    length_y,
    length_x,
    bins_y,
    bins_x,
    scale_high,
    scale_low,
    ratio,
    stride_b,
    stride_c,
    stride_h,
    stride_w,
    target_stride_b,
    target_stride_c,
    target_stride_h,
    target_stride_w,
    grad_stride_k,
    grad_stride_c,
    grad_stride_h,
    grad_stride_w,
    DOUBLE: tl.constexpr,
    ADAPTIVE: tl.constexpr,
    ALIGNED: tl.constexpr,
    WITH_FEATURES: tl.constexpr,
    WITH_BOXES: tl.constexpr,
    BLOCK_C: tl.constexpr,
    BLOCK_P: tl.constexpr,
):
    """One program a box, a block of channels and a block of bins. Pixels that boxes share are added to atomically."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    blocks_p = tl.cdiv(bins_y * bins_x, BLOCK_P)
    blocks = blocks_p * tl.cdiv(channels, BLOCK_C)
    program = tl.program_id(0).to(tl.int64)
    region = program // blocks
    block = (program % blocks).to(tl.int32)
    channel = (block // blocks_p) * BLOCK_C + tl.arange(0, BLOCK_C)
    cell = (block % blocks_p) * BLOCK_P + tl.arange(0, BLOCK_P)
    bin_y, bin_x = (cell // bins_x).to(ACC), (cell % bins_x).to(ACC)
    inside = (channel < channels)[:, None] & (cell < bins_y * bins_x)[None, :]
    scale = tl.full((), scale_high, ACC) + tl.full((), scale_low, ACC)

    image = tl.load(index_ptr + region)
    x1 = tl.load(boxes_ptr + region * 4).to(ACC)
    y1 = tl.load(boxes_ptr + region * 4 + 1).to(ACC)
    x2 = tl.load(boxes_ptr + region * 4 + 2).to(ACC)
    y2 = tl.load(boxes_ptr + region * 4 + 3).to(ACC)
    right = ((x1 - x1) + (y1 - y1) + (x2 - x2) + (y2 - y2) == 0) & (image >= 0) & (image < images)
    x1, y1 = tl.where(right, x1, 0.0), tl.where(right, y1, 0.0)
    x2, y2 = tl.where(right, x2, 0.0), tl.where(right, y2, 0.0)
    low_y, extent_y, free_y, samples_y, loops_y = _sampling(y1, y2, scale, bins_y, length_y, ratio, ADAPTIVE, ALIGNED)
    low_x, extent_x, free_x, samples_x, loops_x = _sampling(x1, x2, scale, bins_x, length_x, ratio, ADAPTIVE, ALIGNED)
    loops_y = tl.where(right, loops_y, 0)
    first_y = _first_sample(bin_y, low_y, extent_y, samples_y, loops_y, bins_y)
    first_x = _first_sample(bin_x, low_x, extent_x, samples_x, loops_x, bins_x)

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
                top_left = tl.load(plane_ptr + (top * stride_h + left * stride_w)[None, :], mask=read, other=0.0).to(ACC)
                top_right = tl.load(plane_ptr + (top * stride_h + right_ * stride_w)[None, :], mask=read, other=0.0).to(ACC)
                bottom_left = tl.load(plane_ptr + (bottom * stride_h + left * stride_w)[None, :], mask=read, other=0.0).to(ACC)
                bottom_right = tl.load(plane_ptr + (bottom * stride_h + right_ * stride_w)[None, :], mask=read, other=0.0).to(ACC)
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
        tl.store(sides_ptr + program * 4, tl.sum(side_x1, axis=0) * scale)
        tl.store(sides_ptr + program * 4 + 1, tl.sum(side_y1, axis=0) * scale)
        tl.store(sides_ptr + program * 4 + 2, tl.sum(side_x2, axis=0) * scale)
        tl.store(sides_ptr + program * 4 + 3, tl.sum(side_y2, axis=0) * scale)
