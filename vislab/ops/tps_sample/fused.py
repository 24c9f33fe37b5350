"""Thin-plate spline sampling as Triton kernels: the spline is evaluated in registers, pixel by pixel, so that no grid is ever in memory."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.launch import launch, refuse_compiled_kernel_on_cpu
from vislab.ops.precision import without_autocast
from vislab.ops.sampling.arguments import PADDINGS
from vislab.ops.sampling.derivatives import alert_not_deterministic, image_gradient, tie
from vislab.ops.sampling.safe_grid_sample import safe_grid_sample
from vislab.ops.sampling.sample_kernels import constants_of, place, programs_of, pull_back_samples, write_samples
from vislab.ops.sampling.thin_plate import radial


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


def _composition(image, controls, coefficients, size, padding, align_corners):
    wide = coefficients.dtype
    axes = [torch.arange(1 - count, count, 2, dtype=wide, device=image.device) / max(count - align_corners, 1) for count in size]
    v, u = torch.meshgrid(*axes, indexing="ij")
    squared = (u[..., None] - controls[:, 0]).square() + (v[..., None] - controls[:, 1]).square()
    basis = torch.cat([radial(squared), torch.stack([torch.ones_like(u), u, v], -1)], -1)
    with without_autocast(image.device):
        grid = basis.flatten(0, 1) @ coefficients
    return safe_grid_sample(image.to(wide), grid.view(-1, *size, 2), padding, align_corners)


@torch.library.custom_op(
    "vislab::tps_sample",
    mutates_args=(),
    schema="(Tensor image, Tensor controls, Tensor coefficients, int out_height, int out_width, int padding, bool align_corners) -> Tensor",
)
def _forward(image, controls, coefficients, out_height, out_width, padding, align_corners):
    (batch, channels, height, width), count = image.shape, controls.shape[0]
    output = image.new_empty((batch, channels, out_height, out_width))
    constants = constants_of(out_height, out_width, coefficients.dtype, padding, align_corners)
    launch(
        *(_sample_kernel, batch * programs_of(channels, out_height, out_width, constants), image),
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
    constants = constants_of(out_height, out_width, coefficients.dtype, padding, align_corners)
    programs = programs_of(channels, out_height, out_width, constants)
    grad_image, grad_strides = image_gradient(image, coefficients.dtype, with_image)
    # a program's share of the coefficients' gradient, summed at the end: always in the same order.
    shares = coefficients.new_empty((batch, programs if with_spline else 0, count + 3, 2))
    if with_image and upstream.numel():
        alert_not_deterministic("tps_sample", image)
    launch(
        *(_gradient_kernel, batch * programs if with_image or with_spline else 0, image),
        *(upstream, image, controls.contiguous(), coefficients.contiguous(), grad_image, shares),
        *(count, channels, height, width, out_height, out_width, *upstream.stride(), *image.stride(), *grad_strides),
        **constants | {"WITH_IMAGE": with_image, "WITH_SPLINE": with_spline},
    )
    return grad_image.to(image.dtype), shares.sum(1) if with_spline else coefficients.new_empty(0)


tie(_forward, _backward, 3, lambda image, controls, coefficients, out_height, out_width, *_: (out_height, out_width), _composition)


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
def _positions(
    controls_ptr, coefficients_ptr, sample, count, row, column, height, width, out_height, out_width,
    ALIGN_CORNERS: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Return a tile's normalised coordinates and where its spline sends them, in pixels."""
    u = _centre(column, out_width, ALIGN_CORNERS, ACC)[None, :]
    v = _centre(row, out_height, ALIGN_CORNERS, ACC)[:, None]
    x, y = _spline(controls_ptr, coefficients_ptr + sample * (count + 3) * 2, count, u, v)
    x = x * _pixels_per_unit(width, ALIGN_CORNERS, ACC) + (tl.full((), width, ACC) - 1.0) * 0.5
    y = y * _pixels_per_unit(height, ALIGN_CORNERS, ACC) + (tl.full((), height, ACC) - 1.0) * 0.5
    return u, v, x, y


@triton.jit
def _sample_kernel(
    image_ptr, controls_ptr, coefficients_ptr, output_ptr, count, channels, height, width, out_height, out_width,
    x_b, x_c, x_h, x_w,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, DOUBLE: tl.constexpr,
    GROUP: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """One program a tile of output pixels and a few channels: positions once, then four reads and a write a channel."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    sample, first, row, column = place(channels, GROUP, out_height, out_width, BLOCK_H, BLOCK_W)
    _, _, x, y = _positions(
        controls_ptr, coefficients_ptr, sample, count, row, column, height, width, out_height, out_width, ALIGN_CORNERS, ACC
    )
    write_samples(
        image_ptr, output_ptr, x, y, sample, first, row, column, channels, GROUP, height, width, out_height, out_width, x_b, x_c, x_h, x_w,
        ALIGN_CORNERS, PADDING, ACC,
    )  # fmt: skip


@triton.jit
def _gradient_kernel(
    upstream_ptr, image_ptr, controls_ptr, coefficients_ptr, grad_image_ptr, shares_ptr,
    count, channels, height, width, out_height, out_width,
    u_b, u_c, u_h, u_w, x_b, x_c, x_h, x_w, g_b, g_c, g_h, g_w,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, DOUBLE: tl.constexpr,
    GROUP: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr, WITH_IMAGE: tl.constexpr, WITH_SPLINE: tl.constexpr,
):  # fmt: skip
    """The programs of the forward kernel. Each leaves its own share of the coefficients' gradient."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    sample, first, row, column = place(channels, GROUP, out_height, out_width, BLOCK_H, BLOCK_W)
    u, v, x, y = _positions(
        controls_ptr, coefficients_ptr, sample, count, row, column, height, width, out_height, out_width, ALIGN_CORNERS, ACC
    )
    grad_x, grad_y = pull_back_samples(
        upstream_ptr, image_ptr, grad_image_ptr, x, y, sample, first, row, column, channels, GROUP, height, width, out_height, out_width,
        u_b, u_c, u_h, u_w, x_b, x_c, x_h, x_w, g_b, g_c, g_h, g_w, ALIGN_CORNERS, PADDING, ACC, WITH_IMAGE, WITH_SPLINE,
    )  # fmt: skip
    if WITH_SPLINE:
        grad_x = grad_x * _pixels_per_unit(width, ALIGN_CORNERS, ACC)
        grad_y = grad_y * _pixels_per_unit(height, ALIGN_CORNERS, ACC)
        share_ptr = shares_ptr + tl.program_id(0).to(tl.int64) * (count + 3) * 2
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
