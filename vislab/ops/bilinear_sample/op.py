"""The checked public entry of bilinear sampling, and the formulation for devices without Triton."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from vislab.ops.bilinear_sample.naive import bilinear_sample_naive
from vislab.ops.path import resolve_path
from vislab.ops.precision import accumulator, check_floating
from vislab.ops.sampling.arguments import check_image, check_options, check_partner
from vislab.ops.sampling.safe_grid_sample import safe_grid_sample


def bilinear_sample(image: Tensor, grid: Tensor, *, padding: str = "zeros", align_corners: bool = False, path: str = "auto") -> Tensor:
    """Read an image between its pixels, at positions that a grid gives one by one.

    Each answer is a mean of the four pixels around its position, weighted by how near they are along x times along y. It is what
    ``torch.nn.functional.grid_sample`` computes, for any grid at all. Positions and sums are kept in float32 (float64 where image or
    grid is).

    Shapes: B batch, C channels, H × W image, H_out × W_out positions.

    Args:
        image: float16, bfloat16, float32 or float64, ``[B, C, H, W]``, any strides; B and C may be 0, H and W may not.
        grid: any of those dtypes, ``[B, H_out, W_out, 2]``, any strides, x then y, −1 to 1 over the image; H_out and W_out may be 0.
            Keep it in float32 beside a half-precision image: bfloat16 places nothing better than to W / 512 pixels.
        padding: what lies beyond the image: ``"zeros"``, its ``"border"`` pixels, or its ``"reflection"``, about the centres of the
            border pixels (``align_corners=True``) or their outer edges.
        align_corners: what −1 and 1 mean. True: the centres of the first and the last pixel. False: their outer edges.
        path: ``"auto"`` takes what ``path_for`` names; ``"plain"``, ``"fused"`` and ``"naive"`` force one formulation, for comparison.

    Returns:
        ``[B, C, H_out, W_out]`` in the image's dtype. A coordinate that is NaN, or that is reflected over more than 2²² pixels, has no
        place: it shows 0 under ``"zeros"`` and pixel 0 otherwise, with gradient 0. An infinite one is outside, or on the border.

    Raises:
        TypeError: image or grid that is no floating tensor, an ``align_corners`` that is no bool.
        ValueError: shapes that are none of the above or do not fit, an unknown padding or path.
        RuntimeError: ``path="fused"`` without Triton, or on a CPU outside Triton's interpreter; there, on a GPU, a gradient to the
            image under ``torch.use_deterministic_algorithms(True)``, since its additions come in no fixed order.

    Convention:
        x before y and −1 to 1; ``vislab.geometry`` converts from and to pixels. onnx's ``GridSample`` means the same by the same names.
        A bilinear surface has a kink at every whole position. There, as in PyTorch, the derivative is the one from the right, and 0
        where padding put the position on the border.
        Second derivatives exist wherever this PyTorch's own sampler has them (2.13 has); ``path="naive"`` has them anywhere.

    Source:
        Jaderberg et al., "Spatial Transformer Networks", NeurIPS 2015, equations 5, 6 and 7.

    Example:
        >>> image = torch.arange(6.0).view(1, 1, 2, 3)
        >>> between = torch.tensor([[[[-0.5, 0.0], [1.0, 1.0]]]])
        >>> bilinear_sample(image, between, align_corners=True)
        tensor([[[[2., 5.]]]])
    """
    _check(image, grid, padding, align_corners)
    return _FORMULATIONS[path_for(image, path)](image, grid, padding, align_corners)


def path_for(image: Tensor, path: str = "auto") -> str:
    """Name the formulation that ``bilinear_sample(image, ..., path=path)`` takes.

    Args:
        image: the op's first input; where it lies decides, its numbers do not count.
        path: ``"auto"``, or the name of a formulation.

    Returns:
        ``"plain"``: PyTorch's own sampler, guarded; ``"auto"`` takes it everywhere. ``"fused"``: Triton kernels. ``"naive"``: the
        reference.

    Raises:
        ValueError: an unknown path.
        RuntimeError: ``"fused"`` where Triton is not installed.
    """
    # on an H100 the kernels take 1.3 to 2.1 times as long as the plain formulation, forward and backward.
    return resolve_path(path, image, _FORMULATIONS, fused_pays=False)


def _check(image: Tensor, grid: Tensor, padding: str, align_corners: bool) -> None:
    check_image(image)
    check_floating("grid", grid)
    if grid.ndim != 4 or grid.shape[3] != 2:
        raise ValueError(f"grid.shape {tuple(grid.shape)} must be [B, H_out, W_out, 2]; put x and y last with grid.movedim(1, -1)")
    check_partner("grid", grid, image)
    check_options(padding, align_corners)


def _plain(image: Tensor, grid: Tensor, padding: str, align_corners: bool) -> Tensor:
    wide = accumulator(image.dtype, grid.dtype)
    return safe_grid_sample(image.to(wide), grid.to(wide), padding, align_corners).to(image.dtype)


def _fused(image: Tensor, grid: Tensor, padding: str, align_corners: bool) -> Tensor:
    # imported here: Triton may be missing, and its interpreter can be switched on only before the import.
    from vislab.ops.bilinear_sample.fused import bilinear_sample_fused

    return bilinear_sample_fused(image, grid, padding, align_corners)


_FORMULATIONS: dict[str, Callable[[Tensor, Tensor, str, bool], Tensor]] = {
    "plain": _plain,
    "fused": _fused,
    "naive": bilinear_sample_naive,
}
