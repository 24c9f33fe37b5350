"""The checked public entry of affine sampling, and the formulation for devices without Triton."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from vislab.ops.affine_sample.naive import affine_sample_naive
from vislab.ops.path import resolve_path
from vislab.ops.precision import accumulator, check_floating
from vislab.ops.sampling.arguments import check_image, check_options, check_partner, check_size
from vislab.ops.sampling.safe_grid_sample import safe_grid_sample

# positions up to which a product with kept coordinates is the quicker way to a grid: calls cost more there than arithmetic.
_PRODUCT_POSITIONS_MAX = 1024
# the same where a gradient to theta is asked for: two outer sums are more steps to go back than one product.
_PRODUCT_POSITIONS_MAX_GRADIENT = 4096


def affine_sample(
    image: Tensor,
    theta: Tensor,
    size: tuple[int, int] | None = None,
    *,
    padding: str = "zeros",
    align_corners: bool = False,
    path: str = "auto",
) -> Tensor:
    """Sample an image through an affine map, bilinearly: ``grid_sample(image, affine_grid(theta))`` without the grid.

    Pixel (u, v) of the output, normalised, shows the image at ``theta @ (u, v, 1)``: the map leads from output to image, so that a
    scale of ½ in theta magnifies twofold. Positions and sums are kept in float32 (float64 where image or theta is).

    Shapes: B batch, C channels, H × W image, H_out × W_out output.

    Args:
        image: float16, bfloat16, float32 or float64, ``[B, C, H, W]``, any strides; B and C may be 0, H and W may not.
        theta: any of those dtypes, ``[B, 2, 3]``, any strides; row 0 gives x, row 1 gives y; column 2 is the shift, in halves of the
            image. Keep it in float32 beside a half-precision image: bfloat16 places nothing better than to W / 512 pixels.
        size: ``(H_out, W_out)``, at least 1 each; None keeps the image's.
        padding: what lies beyond the image: ``"zeros"``, its ``"border"`` pixels, or its ``"reflection"``, about the centres of the
            border pixels (``align_corners=True``) or their outer edges.
        align_corners: what −1 and 1 mean, in image and output. True: the centres of the first and the last pixel. False: their outer
            edges.
        path: ``"auto"`` takes what ``path_for`` names; ``"plain"``, ``"fused"`` and ``"naive"`` force one formulation, for comparison.

    Returns:
        ``[B, C, H_out, W_out]`` in the image's dtype. A coordinate that is NaN, or that is reflected over more than 2²² pixels, has no
        place: it shows 0 under ``"zeros"`` and pixel 0 otherwise, with gradient 0. An infinite one is outside, or on the border.

    Raises:
        TypeError: image or theta that is no floating tensor, a size of no whole numbers, an ``align_corners`` that is no bool.
        ValueError: shapes that are none of the above or do not fit, an unknown padding or path.
        RuntimeError: ``path="fused"`` without Triton, or on a CPU outside Triton's interpreter; there, on a GPU, a gradient to the
            image under ``torch.use_deterministic_algorithms(True)``, since its additions come in no fixed order.

    Convention:
        x before y and −1 to 1, as in ``torch.nn.functional.affine_grid``; ``vislab.geometry`` converts to pixels.
        A bilinear surface has a kink at every whole position. There, as in PyTorch, the derivative is the one from the right, and 0
        where padding put the position on the border.
        Second derivatives exist wherever this PyTorch's own sampler has them (2.13 has); ``path="naive"`` has them anywhere.

    Source:
        Jaderberg et al., "Spatial Transformer Networks", NeurIPS 2015, equations 1, 5, 6 and 7.

    Example:
        >>> image = torch.arange(6.0).view(1, 1, 2, 3)
        >>> mirror = torch.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
        >>> affine_sample(image, mirror)
        tensor([[[[2., 1., 0.],
                  [5., 4., 3.]]]])
    """
    size = _check(image, theta, size, padding, align_corners)
    return _FORMULATIONS[path_for(image, path)](image, theta, size, padding, align_corners)


def path_for(image: Tensor, path: str = "auto") -> str:
    """Name the formulation that ``affine_sample(image, ..., path=path)`` takes.

    Args:
        image: the op's first input; where it lies decides, its numbers do not count.
        path: ``"auto"``, or the name of a formulation.

    Returns:
        ``"fused"``: Triton kernels, no grid in memory. ``"plain"``: PyTorch's own ops. ``"naive"``: the reference.

    Raises:
        ValueError: an unknown path.
        RuntimeError: ``"fused"`` where Triton is not installed.
    """
    return resolve_path(path, image, _FORMULATIONS)


def _check(image: Tensor, theta: Tensor, size: tuple[int, int] | None, padding: str, align_corners: bool) -> tuple[int, int]:
    check_image(image)
    check_floating("theta", theta)
    if theta.ndim != 3 or theta.shape[1:] != (2, 3):
        raise ValueError(f"theta.shape {tuple(theta.shape)} must be [B, 2, 3]; drop the last row of a 3 × 3 matrix with theta[:, :2]")
    check_partner("theta", theta, image)
    check_options(padding, align_corners)
    return check_size(size, image)


def _plain(image: Tensor, theta: Tensor, size: tuple[int, int], padding: str, align_corners: bool) -> Tensor:
    """PyTorch's sampler on a grid made of two outer sums: one pass of writing where ``affine_grid`` multiplies [H_out · W_out, 3]."""
    wide = accumulator(image.dtype, theta.dtype)
    theta = theta.to(wide)
    if _takes_product(theta, size):
        grid = (_coordinates(*size, align_corners, wide) @ theta.mT).view(-1, *size, 2)
    else:
        grid = _grid(theta, size, align_corners)
    return safe_grid_sample(image.to(wide), grid, padding, align_corners, theta).to(image.dtype)


def _takes_product(theta: Tensor, size: tuple[int, int]) -> bool:
    # a compiled graph, a tracer's tensor and another device have no use for what is kept; autocast, and a lower precision of matrix
    # products that somebody set, would round positions.
    if torch.compiler.is_compiling() or type(theta) not in (Tensor, torch.nn.Parameter) or theta.device.type != "cpu":
        return False
    most = _PRODUCT_POSITIONS_MAX_GRADIENT if theta.requires_grad and torch.is_grad_enabled() else _PRODUCT_POSITIONS_MAX
    return (
        theta.shape[0] * size[0] * size[1] <= most
        and not torch.is_autocast_enabled("cpu")
        and torch.get_float32_matmul_precision() == "highest"
    )


@lru_cache(maxsize=64)
def _coordinates(height: int, width: int, align_corners: bool, dtype: torch.dtype) -> Tensor:
    """Return ``[H · W, 3]``: x, y and 1 of every pixel of an output, made once for each size; nobody may write into it."""
    # outside inference mode, so that a later call may pass through autograd.
    with torch.inference_mode(False):
        like = torch.empty(0, dtype=dtype, device="cpu")
        u = _centres(width, align_corners, like).view(1, width).expand(height, width)
        v = _centres(height, align_corners, like).expand(height, width)
        return torch.stack([u, v, torch.ones_like(u)], dim=-1).view(-1, 3)


def _grid(theta: Tensor, size: tuple[int, int], align_corners: bool) -> Tensor:
    """Return ``[B, H_out, W_out, 2]``: a row of W_out pairs, to which every line adds its own multiple of two numbers.

    Pairs lie flat, so that autograd sums whole rows too, and never multiplies matrices, which autocast would round.
    """
    batch, (height, width) = theta.shape[0], size
    by_u, by_v, shift = theta.unsqueeze(1).unbind(3)  # [B, 1, 2]
    u = _centres(width, align_corners, theta)
    v = _centres(height, align_corners, theta)
    pairs = torch.addcmul(shift, u, by_u).view(batch, 1, 2 * width)
    steps = by_v.expand(batch, width, 2).reshape(batch, 1, 2 * width)
    return torch.addcmul(pairs, v, steps).view(batch, height, width, 2)


def _centres(count: int, align_corners: bool, like: Tensor) -> Tensor:
    """Return the normalised coordinates of ``count`` pixel centres, ``[count, 1]``; a single one is at 0."""
    last = (count - 1) / max(count - align_corners, 1)
    return torch.linspace(-last, last, count, dtype=like.dtype, device=like.device).unsqueeze(1)


def _fused(image: Tensor, theta: Tensor, size: tuple[int, int], padding: str, align_corners: bool) -> Tensor:
    # imported here: Triton may be missing, and its interpreter can be switched on only before the import.
    from vislab.ops.affine_sample.fused import affine_sample_fused

    return affine_sample_fused(image, theta, size, padding, align_corners)


_FORMULATIONS: dict[str, Callable[[Tensor, Tensor, tuple[int, int], str, bool], Tensor]] = {
    "plain": _plain,
    "fused": _fused,
    "naive": affine_sample_naive,
}
