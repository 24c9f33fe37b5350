"""Soft-argmax as Triton kernels: one read of each map forward, one read and one write of it backward."""

from functools import partial

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import block_of, blocks_in, high_and_low, launch, refuse_compiled_kernel_on_cpu, warps_for
from vislab.ops.precision import accumulator
from vislab.ops.tiles import exact, tile_of

# pixels of a map that one program holds at a time; 16 a thread at 512 a warp.
_FORWARD_TILE = 4096
_BACKWARD_TILE = 2048
_PIXELS_PER_WARP = 512
_TILE_WIDTH_MAX = 128


def soft_argmax_fused(heatmaps: Tensor, temperature: float, dtype: torch.dtype, return_variance: bool) -> Tensor | tuple[Tensor, Tensor]:
    """Compute ``soft_argmax`` by the kernels of this file; arguments as there, already checked.

    Raises:
        RuntimeError: maps on a CPU while Triton's interpreter is off.
    """
    refuse_compiled_kernel_on_cpu("heatmaps", heatmaps, _moments_kernel)
    mean, variance, _ = _forward(heatmaps, temperature, dtype, return_variance)
    return (mean, variance) if return_variance else mean


def _save_for_backward(ctx, inputs, output):
    heatmaps, temperature, _, _ = inputs
    ctx.save_for_backward(heatmaps, output[2])
    ctx.temperature = temperature


def _first_order(ctx, grad_mean, grad_variance, grad_stats):
    # stats never leave this file, so grad_stats holds nothing.
    heatmaps, stats = ctx.saved_tensors
    return _backward(grad_mean, grad_variance, heatmaps, stats, ctx.temperature), None, None, None


def _save_for_second_order(ctx, inputs, output):
    grad_mean, grad_variance, heatmaps, _, temperature = inputs
    ctx.save_for_backward(grad_mean, grad_variance, heatmaps)
    ctx.temperature = temperature


def _second_order(ctx, upstream):
    # rare (a gradient penalty), so left to PyTorch; the dependence on the maps through stats is counted in the maps' own gradient.
    pull_back = torch.func.vjp(partial(_gradient, ctx.temperature), *ctx.saved_tensors)[1]
    return *pull_back(upstream), None, None


def _gradient(temperature, grad_mean, grad_variance, heatmaps):
    """What the backward kernel computes, in PyTorch's own ops, so that it can be differentiated again."""
    wide = heatmaps.to(accumulator(heatmaps.dtype))
    peak = wide.detach().amax(dim=(-2, -1), keepdim=True)
    weight = ((wide - peak.masked_fill(torch.isneginf(peak), 0.0)) / temperature).exp()
    total = weight.sum(dim=(-2, -1), keepdim=True)
    probability = weight / total.masked_fill(total == 0, 1.0)
    slope = 0.0
    for k, (axis, other) in enumerate(((-1, -2), (-2, -1))):
        coordinate = torch.arange(wide.shape[axis], dtype=wide.dtype, device=wide.device).unsqueeze(other)
        marginal = probability.sum(other, keepdim=True)
        offset = coordinate - (marginal * coordinate).sum(axis, keepdim=True)
        slope = slope + grad_mean[..., k, None, None].to(wide.dtype) * offset
        if grad_variance.shape[-1]:
            spread = offset**2 - (marginal * offset**2).sum(axis, keepdim=True)
            slope = slope + grad_variance[..., k, None, None].to(wide.dtype) * spread
    return (probability * slope / temperature).to(heatmaps.dtype)


@torch.library.custom_op(
    "vislab::soft_argmax",
    mutates_args=(),
    schema="(Tensor heatmaps, float temperature, ScalarType dtype, bool with_variance) -> (Tensor, Tensor, Tensor)",
)
def _forward(heatmaps, temperature, dtype, with_variance):
    outputs = _forward_outputs(heatmaps, temperature, dtype, with_variance)
    batch, joints, height, width = heatmaps.shape
    block = block_of(height, width, _FORWARD_TILE, _TILE_WIDTH_MAX)
    launch(
        *(_moments_kernel, batch * joints, heatmaps),
        *(heatmaps, *outputs, joints, height, width, *heatmaps.stride(), *high_and_low(1 / temperature)),
        **_constants(heatmaps, with_variance, block),
    )
    return outputs


@torch.library.custom_op(
    "vislab::soft_argmax_backward",
    mutates_args=(),
    schema="(Tensor grad_mean, Tensor grad_variance, Tensor heatmaps, Tensor stats, float temperature) -> Tensor",
)
def _backward(grad_mean, grad_variance, heatmaps, stats, temperature):
    grad_heatmaps = torch.empty_like(heatmaps)
    batch, joints, height, width = heatmaps.shape
    block = block_of(height, width, _BACKWARD_TILE, _TILE_WIDTH_MAX)
    launch(
        *(_gradient_kernel, batch * joints * blocks_in(height, width, block), heatmaps),
        *(grad_mean.contiguous(), grad_variance.contiguous(), heatmaps, stats, grad_heatmaps, joints, height, width),
        *(*heatmaps.stride(), *grad_heatmaps.stride(), *high_and_low(1 / temperature)),
        **_constants(heatmaps, grad_variance.shape[-1] > 0, block),
    )
    return grad_heatmaps


def _forward_outputs(heatmaps, temperature, dtype, with_variance):
    """Allocate mean ``[B, J, 2]``, variance ``[B, J, 2 or 0]`` and, for the backward pass, six numbers a map ``[B, J, 6]``."""
    batch, joints = heatmaps.shape[:2]
    mean = heatmaps.new_empty((batch, joints, 2), dtype=dtype)
    variance = heatmaps.new_empty((batch, joints, 2 if with_variance else 0), dtype=dtype)
    return mean, variance, heatmaps.new_empty((batch, joints, 6), dtype=accumulator(heatmaps.dtype))


_forward.register_fake(_forward_outputs)
_forward.register_autograd(_first_order, setup_context=_save_for_backward)
_backward.register_fake(lambda grad_mean, grad_variance, heatmaps, stats, temperature: torch.empty_like(heatmaps))
_backward.register_autograd(_second_order, setup_context=_save_for_second_order)


def _constants(heatmaps, with_variance, block):
    flags = {"DOUBLE": heatmaps.dtype == torch.float64, "WITH_VARIANCE": with_variance}
    return flags | {"BLOCK_H": block[0], "BLOCK_W": block[1], "num_warps": warps_for(block[0] * block[1], _PIXELS_PER_WARP)}


@triton.jit
def _moments_kernel(
    heatmaps_ptr, mean_ptr, variance_ptr, stats_ptr, joints, height, width, stride_b, stride_j, stride_h, stride_w, rate_high, rate_low,
    DOUBLE: tl.constexpr, WITH_VARIANCE: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """One program a map, tile after tile.

    Kept so far: the peak logit, the sum of ``exp((logit − peak) · rate)``, mean and summed squared deviation by x and y. A tile's own
    five numbers come from its two marginals and are merged in by the parallel-variance rule, which never subtracts large squares.
    """
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    index = tl.program_id(0).to(tl.int64)
    map_ptr = heatmaps_ptr + (index // joints) * stride_b + (index % joints) * stride_j
    rate = exact(rate_high, rate_low, ACC)

    peak = tl.full((), float("-inf"), ACC)
    total = tl.full((), 0.0, ACC)
    mean_x = tl.full((), 0.0, ACC)
    mean_y = tl.full((), 0.0, ACC)
    square_x = tl.full((), 0.0, ACC)
    square_y = tl.full((), 0.0, ACC)
    for top in range(0, height, BLOCK_H):
        row = top + tl.arange(0, BLOCK_H)
        for left in range(0, width, BLOCK_W):
            column = left + tl.arange(0, BLOCK_W)
            # int64: the offset of a row in a strided view can pass 2^31.
            pixel_ptr = map_ptr + row.to(tl.int64)[:, None] * stride_h + column.to(tl.int64)[None, :] * stride_w
            inside = (row < height)[:, None] & (column < width)[None, :]
            logit = tl.load(pixel_ptr, mask=inside, other=float("-inf")).to(ACC)  # [BLOCK_H, BLOCK_W]

            new_peak = tl.maximum(peak, tl.max(tl.max(logit, axis=1), axis=0))
            # while only -inf has been seen there is no peak to subtract: -inf minus -inf is NaN.
            shift = tl.where(new_peak == float("-inf"), 0.0, new_peak)
            keep = tl.exp((peak - shift) * rate)
            peak = new_peak
            weight = tl.exp((logit - shift) * rate)

            marginal_x = tl.sum(weight, axis=0)
            marginal_y = tl.sum(weight, axis=1)
            tile_total = tl.sum(marginal_x, axis=0)
            # == 0, not <= or >: a NaN must stay a NaN through both guards.
            tile_safe = tl.where(tile_total == 0, 1.0, tile_total)
            tile_x = tl.sum(marginal_x * column, axis=0) / tile_safe
            tile_y = tl.sum(marginal_y * row, axis=0) / tile_safe

            kept = total * keep
            total = kept + tile_total
            share = tile_total / tl.where(total == 0, 1.0, total)
            step_x = tile_x - mean_x
            step_y = tile_y - mean_y
            mean_x += step_x * share
            mean_y += step_y * share
            if WITH_VARIANCE:
                offset_x = column - tile_x
                offset_y = row - tile_y
                square_x = square_x * keep + tl.sum(marginal_x * offset_x * offset_x, axis=0) + step_x * step_x * kept * share
                square_y = square_y * keep + tl.sum(marginal_y * offset_y * offset_y, axis=0) + step_y * step_y * kept * share

    blank = total == 0
    safe = tl.where(blank, 1.0, total)
    # tl.full, not .to: Triton makes an argument of 1 a constant, which has no .to.
    w = tl.full((), width, ACC)
    h = tl.full((), height, ACC)
    mean_x = tl.where(blank, (w - 1) / 2, mean_x)
    mean_y = tl.where(blank, (h - 1) / 2, mean_y)
    variance_x = tl.where(blank, (w * w - 1) / 12, square_x / safe)
    variance_y = tl.where(blank, (h * h - 1) / 12, square_y / safe)
    tl.store(mean_ptr + index * 2, mean_x)
    tl.store(mean_ptr + index * 2 + 1, mean_y)
    if WITH_VARIANCE:
        tl.store(variance_ptr + index * 2, variance_x)
        tl.store(variance_ptr + index * 2 + 1, variance_y)

    # -inf minus a peak of 0 gives a blank map weights of 0 once more, and so the gradient 0.
    tl.store(stats_ptr + index * 6, tl.where(blank, 0.0, peak))
    tl.store(stats_ptr + index * 6 + 1, 1.0 / safe)
    tl.store(stats_ptr + index * 6 + 2, mean_x)
    tl.store(stats_ptr + index * 6 + 3, mean_y)
    tl.store(stats_ptr + index * 6 + 4, variance_x)
    tl.store(stats_ptr + index * 6 + 5, variance_y)


@triton.jit
def _gradient_kernel(
    grad_mean_ptr, grad_variance_ptr, heatmaps_ptr, stats_ptr, grad_heatmaps_ptr, joints, height, width,
    stride_b, stride_j, stride_h, stride_w, grad_stride_b, grad_stride_j, grad_stride_h, grad_stride_w, rate_high, rate_low,
    DOUBLE: tl.constexpr, WITH_VARIANCE: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """One program a tile. The slope at a pixel is one number of its column plus one of its row."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    index, row, column = tile_of(tl.program_id(0).to(tl.int64), height, width, BLOCK_H, BLOCK_W)
    rate = exact(rate_high, rate_low, ACC)

    peak = tl.load(stats_ptr + index * 6)
    inverse_total = tl.load(stats_ptr + index * 6 + 1)
    offset_x = column - tl.load(stats_ptr + index * 6 + 2)
    offset_y = row - tl.load(stats_ptr + index * 6 + 3)
    slope_x = tl.load(grad_mean_ptr + index * 2).to(ACC) * offset_x
    slope_y = tl.load(grad_mean_ptr + index * 2 + 1).to(ACC) * offset_y
    if WITH_VARIANCE:
        spread_x = offset_x * offset_x - tl.load(stats_ptr + index * 6 + 4)
        spread_y = offset_y * offset_y - tl.load(stats_ptr + index * 6 + 5)
        slope_x += tl.load(grad_variance_ptr + index * 2).to(ACC) * spread_x
        slope_y += tl.load(grad_variance_ptr + index * 2 + 1).to(ACC) * spread_y

    inside = (row < height)[:, None] & (column < width)[None, :]
    row_offset = row.to(tl.int64)[:, None]
    column_offset = column.to(tl.int64)[None, :]
    map_ptr = heatmaps_ptr + (index // joints) * stride_b + (index % joints) * stride_j
    logit = tl.load(map_ptr + row_offset * stride_h + column_offset * stride_w, mask=inside, other=float("-inf")).to(ACC)
    probability = tl.exp((logit - peak) * rate) * inverse_total
    grad = probability * (slope_x[None, :] + slope_y[:, None]) * rate
    grad_ptr = grad_heatmaps_ptr + (index // joints) * grad_stride_b + (index % joints) * grad_stride_j
    tl.store(grad_ptr + row_offset * grad_stride_h + column_offset * grad_stride_w, grad, mask=inside)
