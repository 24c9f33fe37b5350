"""Gaussian heatmaps as Triton kernels: each map is written once forward and its upstream gradient read once backward."""

from functools import partial

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import block_of, blocks_in, high_and_low, launch, refuse_compiled_kernel_on_cpu, warps_for
from vislab.ops.precision import accumulator
from vislab.ops.tiles import exact, tile_of

# pixels of a map that one program holds at a time; 16 a thread at 512 a warp.
_TILE = 4096
_PIXELS_PER_WARP = 512
_TILE_WIDTH_MAX = 128
# pixels of an axis that a program sums at a time for the sum-1 form.
_STRIP_MAX = 1024


def gaussian_heatmaps_fused(
    poses: Tensor, size: tuple[int, int], sigma: float, normalise: str, visibility: Tensor | None, dtype: torch.dtype
) -> Tensor:
    """Compute ``gaussian_heatmaps`` by the kernels of this file; arguments as there, already checked.

    Raises:
        RuntimeError: poses on a CPU while Triton's interpreter is off.
    """
    refuse_compiled_kernel_on_cpu("poses", poses, _render_kernel)
    shown = None if visibility is None else visibility != 0
    return _forward(poses, shown, *size, sigma, normalise == "sum", dtype)


def _save_for_backward(ctx, inputs, output):
    poses, shown, _, _, sigma, normalise, _ = inputs
    ctx.save_for_backward(poses, shown)
    ctx.sigma, ctx.normalise = sigma, normalise


def _first_order(ctx, grad_maps):
    poses, shown = ctx.saved_tensors
    return _backward(grad_maps, poses, shown, ctx.sigma, ctx.normalise), None, None, None, None, None, None


def _save_for_second_order(ctx, inputs, output):
    grad_maps, poses, shown, sigma, normalise = inputs
    ctx.save_for_backward(grad_maps, poses, shown)
    ctx.sigma, ctx.normalise = sigma, normalise


def _second_order(ctx, upstream):
    # rare (a gradient penalty), so left to PyTorch.
    grad_maps, poses, shown = ctx.saved_tensors
    pull_back = torch.func.vjp(partial(_gradient, shown, ctx.sigma, ctx.normalise), grad_maps, poses)[1]
    return *pull_back(upstream), None, None, None


def _gradient(shown, sigma, normalise, grad_maps, poses):
    """What the backward kernel computes, in PyTorch's own ops, so that it can be differentiated again."""
    wide = poses.to(accumulator(poses.dtype))
    if shown is not None:
        wide = wide.masked_fill(~shown[..., None], 0.0)
    profiles, slopes = [], []
    for axis, length in ((0, grad_maps.shape[3]), (1, grad_maps.shape[2])):
        pixel = torch.arange(length, dtype=wide.dtype, device=wide.device)
        position = wide[..., axis, None]
        centre = position
        if normalise:
            nearest = position.detach().round().clamp(0, length - 1)
            exponent = (pixel - nearest) * ((pixel - position) + (nearest - position))
            profile = torch.softmax(exponent * (-0.5 / sigma**2), dim=-1)
            centre = (profile * pixel).sum(-1, keepdim=True)
        else:
            profile = (((pixel - position) / sigma) ** 2 * -0.5).exp()
        profiles.append(profile)
        slopes.append(profile * (pixel - centre) / sigma**2)
    upstream = grad_maps.to(wide.dtype)
    grad_x = (upstream * profiles[1][..., :, None] * slopes[0][..., None, :]).sum((-2, -1))
    grad_y = (upstream * slopes[1][..., :, None] * profiles[0][..., None, :]).sum((-2, -1))
    gradient = torch.stack([grad_x, grad_y], dim=-1)
    return (gradient if shown is None else gradient.masked_fill(~shown[..., None], 0.0)).to(poses.dtype)


@torch.library.custom_op(
    "vislab::gaussian_heatmaps",
    mutates_args=(),
    schema="(Tensor poses, Tensor? shown, SymInt height, SymInt width, float sigma, bool normalise, ScalarType dtype) -> Tensor",
)
def _forward(poses, shown, height, width, sigma, normalise, dtype):
    maps = _forward_output(poses, shown, height, width, sigma, normalise, dtype)
    block = block_of(height, width, _TILE, _TILE_WIDTH_MAX)
    launch(
        *(_render_kernel, poses.shape[0] * poses.shape[1] * blocks_in(height, width, block), poses),
        *(poses.contiguous(), _bytes(shown, poses), maps, height, width, *high_and_low(0.5 / sigma**2)),
        **_constants(poses, shown, normalise, height, width, block),
    )
    return maps


@torch.library.custom_op(
    "vislab::gaussian_heatmaps_backward",
    mutates_args=(),
    schema="(Tensor grad_maps, Tensor poses, Tensor? shown, float sigma, bool normalise) -> Tensor",
)
def _backward(grad_maps, poses, shown, sigma, normalise):
    grad_poses = _backward_output(grad_maps, poses, shown, sigma, normalise)
    batch, joints, height, width = grad_maps.shape
    launch(
        *(_gradient_kernel, batch * joints, poses),
        *(grad_maps, poses.contiguous(), _bytes(shown, poses), grad_poses, joints, height, width),
        *(*grad_maps.stride(), *high_and_low(0.5 / sigma**2)),
        **_constants(poses, shown, normalise, height, width, block_of(height, width, _TILE, _TILE_WIDTH_MAX)),
    )
    return grad_poses


def _forward_output(poses, shown, height, width, sigma, normalise, dtype):
    return poses.new_empty((*poses.shape[:2], height, width), dtype=dtype)


def _backward_output(grad_maps, poses, shown, sigma, normalise):
    return poses.new_empty(poses.shape)


_forward.register_fake(_forward_output)
_forward.register_autograd(_first_order, setup_context=_save_for_backward)
_backward.register_fake(_backward_output)
_backward.register_autograd(_second_order, setup_context=_save_for_second_order)


def _bytes(shown, poses):
    # a kernel argument must be something; without visibility it is never read.
    return poses if shown is None else shown.contiguous().view(torch.uint8)


def _constants(poses, shown, normalise, height, width, block):
    flags = {"DOUBLE": poses.dtype == torch.float64, "NORMALISE": normalise, "WITH_VISIBILITY": shown is not None}
    strips = {"STRIP_H": block_of(1, height, _STRIP_MAX, _STRIP_MAX)[1], "STRIP_W": block_of(1, width, _STRIP_MAX, _STRIP_MAX)[1]}
    tile = {"BLOCK_H": block[0], "BLOCK_W": block[1], "num_warps": warps_for(block[0] * block[1], _PIXELS_PER_WARP)}
    return flags | strips | tile


@triton.jit
def _weight(pixel, position, anchor, length, rate):
    """exp(−((pixel − position)² − (anchor − position)²) · rate), and 0 from the axis' end on; the factors spare far squares."""
    exponent = (pixel - anchor) * ((pixel - position) + (anchor - position)) * rate
    # a pixel behind the end can be nearer than the anchor and overflow.
    return tl.exp(tl.where(pixel < length, -exponent, float("-inf")))


@triton.jit
def _axis(position, length, rate, NORMALISE: tl.constexpr, STRIP: tl.constexpr):
    """Return an axis' anchor, its factor, and how far from the anchor the centre lies that the gradient is measured from.

    Peak mode: the position, 1, 0. Sum mode: the nearest pixel, 1 / sum of the weights, their mean less the nearest pixel.
    """
    anchor = position
    factor = tl.full((), 1.0, position.dtype)
    # kept apart from the anchor: a far joint's mean differs from the last pixel by less than that pixel's rounding.
    lag = tl.full((), 0.0, position.dtype)
    if NORMALISE:
        anchor = tl.minimum(tl.maximum(tl.floor(position + 0.5), 0.0), length - 1.0).to(position.dtype)
        total = tl.full((), 0.0, position.dtype)
        moment = tl.full((), 0.0, position.dtype)
        for first in range(0, length, STRIP):
            pixel = (first + tl.arange(0, STRIP)).to(position.dtype)
            weight = _weight(pixel, position, anchor, length, rate)
            total += tl.sum(weight, axis=0)
            moment += tl.sum(weight * (pixel - anchor), axis=0)
        factor = 1.0 / total
        lag = moment / total
    return anchor, factor, lag


@triton.jit
def _joint(poses_ptr, shown_ptr, index, WITH_VISIBILITY: tl.constexpr, ACC: tl.constexpr):
    """Return a joint's position, x and y, and whether it is shown; a hidden one lies at 0."""
    x = tl.load(poses_ptr + index * 2).to(ACC)
    y = tl.load(poses_ptr + index * 2 + 1).to(ACC)
    shown = index >= 0
    if WITH_VISIBILITY:
        shown = tl.load(shown_ptr + index) != 0
        # replaced, not multiplied by 0: a hidden joint's position is often NaN.
        x = tl.where(shown, x, 0.0)
        y = tl.where(shown, y, 0.0)
    return x, y, shown


@triton.jit
def _render_kernel(
    poses_ptr, shown_ptr, maps_ptr, height, width, rate_high, rate_low,
    DOUBLE: tl.constexpr, NORMALISE: tl.constexpr, WITH_VISIBILITY: tl.constexpr,
    STRIP_H: tl.constexpr, STRIP_W: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """One program a tile. In sum mode every tile sums its map's two profiles anew: H + W exponentials, against another launch."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    index, row, column = tile_of(tl.program_id(0).to(tl.int64), height, width, BLOCK_H, BLOCK_W)
    rate = exact(rate_high, rate_low, ACC)

    position_x, position_y, shown = _joint(poses_ptr, shown_ptr, index, WITH_VISIBILITY, ACC)
    anchor_x, factor_x, _ = _axis(position_x, width, rate, NORMALISE, STRIP_W)
    anchor_y, factor_y, _ = _axis(position_y, height, rate, NORMALISE, STRIP_H)
    if WITH_VISIBILITY:
        factor_x = tl.where(shown, factor_x, 0.0)

    weight_x = _weight(column.to(ACC), position_x, anchor_x, width, rate) * factor_x
    weight_y = _weight(row.to(ACC), position_y, anchor_y, height, rate) * factor_y
    inside = (row < height)[:, None] & (column < width)[None, :]
    # int64: the maps of a large batch hold more than 2^31 pixels.
    pixel = (index * height + row.to(tl.int64)[:, None]) * width + column[None, :]
    tl.store(maps_ptr + pixel, weight_y[:, None] * weight_x[None, :], mask=inside)


@triton.jit
def _gradient_kernel(
    grad_maps_ptr, poses_ptr, shown_ptr, grad_poses_ptr, joints, height, width, stride_b, stride_j, stride_h, stride_w, rate_high, rate_low,
    DOUBLE: tl.constexpr, NORMALISE: tl.constexpr, WITH_VISIBILITY: tl.constexpr,
    STRIP_H: tl.constexpr, STRIP_W: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """One program a map, tile after tile, so that a joint's two sums have one owner and one order."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    index = tl.program_id(0).to(tl.int64)
    map_ptr = grad_maps_ptr + (index // joints) * stride_b + (index % joints) * stride_j
    rate = exact(rate_high, rate_low, ACC)

    position_x, position_y, shown = _joint(poses_ptr, shown_ptr, index, WITH_VISIBILITY, ACC)
    anchor_x, factor_x, lag_x = _axis(position_x, width, rate, NORMALISE, STRIP_W)
    anchor_y, factor_y, lag_y = _axis(position_y, height, rate, NORMALISE, STRIP_H)

    grad_x = tl.full((), 0.0, ACC)
    grad_y = tl.full((), 0.0, ACC)
    for top in range(0, height, BLOCK_H):
        row = top + tl.arange(0, BLOCK_H)
        weight_y = _weight(row.to(ACC), position_y, anchor_y, height, rate) * factor_y
        slope_y = weight_y * ((row - anchor_y) - lag_y)
        for left in range(0, width, BLOCK_W):
            column = left + tl.arange(0, BLOCK_W)
            weight_x = _weight(column.to(ACC), position_x, anchor_x, width, rate) * factor_x
            slope_x = weight_x * ((column - anchor_x) - lag_x)
            pixel_ptr = map_ptr + row.to(tl.int64)[:, None] * stride_h + column.to(tl.int64)[None, :] * stride_w
            inside = (row < height)[:, None] & (column < width)[None, :]
            upstream = tl.load(pixel_ptr, mask=inside, other=0.0).to(ACC)  # [BLOCK_H, BLOCK_W]
            grad_x += tl.sum(tl.sum(upstream * weight_y[:, None], axis=0) * slope_x, axis=0)
            grad_y += tl.sum(tl.sum(upstream * weight_x[None, :], axis=1) * slope_y, axis=0)
    grad_x = grad_x * rate * 2
    grad_y = grad_y * rate * 2
    if WITH_VISIBILITY:
        grad_x = tl.where(shown, grad_x, 0.0)
        grad_y = tl.where(shown, grad_y, 0.0)
    tl.store(grad_poses_ptr + index * 2, grad_x)
    tl.store(grad_poses_ptr + index * 2 + 1, grad_y)
