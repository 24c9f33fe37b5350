"""The checked public entry of thin-plate spline sampling, and the formulation for devices without Triton."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import torch
from torch import Tensor

from vislab.ops.path import resolve_path
from vislab.ops.precision import accumulator, check_floating, without_autocast
from vislab.ops.sampling.arguments import check_image, check_options, check_partner, check_size
from vislab.ops.sampling.safe_grid_sample import safe_grid_sample
from vislab.ops.sampling.thin_plate import radial, spline_matrix
from vislab.ops.tps_sample.naive import tps_sample_naive


def tps_sample(
    image: Tensor,
    controls: Tensor,
    targets: Tensor,
    *,
    size: tuple[int, int] | None = None,
    regularisation: float = 0.0,
    padding: str = "zeros",
    align_corners: bool = False,
    path: str = "auto",
) -> Tensor:
    """Bend an image by a thin-plate spline: the output at each control point reads the image at that point's target.

    Between the points the spline is the smoothest map that goes through them (least bending energy):
    ``f(p) = a₀ + a₁ x + a₂ y + Σ_k w_k U(|p − c_k|)`` with ``U(r) = r² log r²``. Its system is solved in float64, once for all images.

    Shapes: B batch, C channels, H × W pixels in, H_out × W_out out, K control points.

    Args:
        image: float16, bfloat16, float32 or float64, ``[B, C, H, W]``, any strides; B and C may be 0, H and W may not.
        controls: any of these dtypes, ``[K, 2]``, x then y in the output's normalised coordinates, K at least 3, not all on one line.
            Constants: a tensor that asks for a gradient is refused.
        targets: any of these dtypes, ``[B, K, 2]``, x then y in the image's normalised coordinates, where −1 and 1 are as ``align_corners``
            says. Targets equal to the controls give the identity.
        size: ``(H_out, W_out)``, at least 1 each; None keeps the image's.
        regularisation: λ ≥ 0, added to the system's diagonal. 0 goes through the targets exactly; more bends less; needed for points that
            coincide.
        padding: what lies outside: ``"zeros"``, ``"border"`` (the nearest pixel) or ``"reflection"``.
        align_corners: True: −1 and 1 are the centres of the first and the last pixel. False: their outer edges.
        path: ``"auto"`` takes what ``path_for`` names; ``"plain"``, ``"fused"`` and ``"naive"`` force one formulation, for comparison.

    Returns:
        ``[B, C, H_out, W_out]``, the image's dtype; positions and sums in float32 (float64 where image or targets are). A target that is
        NaN makes its whole spline NaN, which counts as outside (``"zeros"``) or as pixel 0.

    Raises:
        TypeError: an input that is no floating tensor, a size, regularisation or flag of the wrong kind.
        ValueError: a shape that does not fit, differing batches or devices, controls that want a gradient, points that do not determine a
            spline (seen on a CPU; elsewhere they give NaN), a regularisation below 0, an unknown padding or path.
        RuntimeError: ``path="fused"`` without Triton, or on a CPU outside Triton's interpreter.

    Convention:
        As everywhere in PyTorch the map goes from the output to the image: moving a target to the right moves the picture to the left.
        ``U`` takes the logarithm of the squared distance; with ``r² log r`` (SciPy) weights and regularisation double and halve.
        The gradient of the image comes from atomic additions on a GPU, in no fixed order.

    Source:
        Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations", IEEE PAMI 11(6), 1989; Jaderberg et al.,
        "Spatial transformer networks", NeurIPS 2015, section 3.3.

    Example:
        >>> image = torch.arange(9.0).view(1, 1, 3, 3)
        >>> controls = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
        >>> moved = controls + torch.tensor([1.0, 0.0])  # reads one pixel to the right
        >>> tps_sample(image, controls, moved[None], align_corners=True, padding="border").round(decimals=4)
        tensor([[[[1., 2., 2.],
                  [4., 5., 5.],
                  [7., 8., 8.]]]])
    """
    size = _check(image, controls, targets, size, regularisation, padding, align_corners)
    return _FORMULATIONS[path_for(image, path)](image, controls, targets, size, float(regularisation), padding, align_corners)


def path_for(image: Tensor, path: str = "auto") -> str:
    """Name the formulation that ``tps_sample(image, ..., path=path)`` takes.

    Args:
        image: the op's first input; where it lies decides, its numbers do not count.
        path: ``"auto"``, or the name of a formulation.

    Returns:
        ``"plain"``: PyTorch's own ops; ``"auto"`` takes it everywhere. ``"fused"``: Triton kernels without a grid in memory.
        ``"naive"``: the reference.

    Raises:
        ValueError: an unknown path.
        RuntimeError: ``"fused"`` where Triton is not installed.
    """
    # on an H100 the kernels take 1.0 to 2.1 times as long as the plain formulation, forward and backward.
    return resolve_path(path, image, _FORMULATIONS, fused_pays=False)


def _check(
    image: Tensor, controls: Tensor, targets: Tensor, size: tuple[int, int] | None, regularisation: float, padding: str, align_corners: bool
) -> tuple[int, int]:
    check_image(image)
    check_floating("controls", controls)
    check_floating("targets", targets)
    if controls.ndim != 2 or controls.shape[1] != 2 or controls.shape[0] < 3:
        raise ValueError(
            f"controls.shape {tuple(controls.shape)} must be [K, 2] with K at least 3; fewer points leave the plane free to turn"
        )
    if controls.requires_grad:
        raise ValueError(
            "controls asks for a gradient, and control points are constants here; pass controls.detach(), and learn the targets"
        )
    if controls.device != image.device:
        raise ValueError(f"controls is on {controls.device}, image on {image.device}; move one of them with .to()")
    if targets.ndim != 3 or targets.shape[1:] != controls.shape:
        raise ValueError(
            f"targets.shape {tuple(targets.shape)} must be [B, {controls.shape[0]}, 2], one target for each of the controls of shape"
            f" {tuple(controls.shape)}; for one image pass targets[None]"
        )
    check_partner("targets", targets, image)
    check_options(padding, align_corners)
    if isinstance(regularisation, bool) or not isinstance(regularisation, Real):
        raise TypeError(f"regularisation is {type(regularisation).__name__}; it must be a number, 0.0 to go through the targets exactly")
    # written so that NaN fails.
    if not 0 <= regularisation < float("inf"):
        raise ValueError(f"regularisation {regularisation} must be at least 0 and finite; 0.0 goes through the targets exactly")
    return check_size(size, image)


def _coefficients(controls: Tensor, targets: Tensor, regularisation: float, wide: torch.dtype) -> Tensor:
    """Return K bending weights and the affine part of each spline, ``[B, K + 3, 2]``, from a product in float64."""
    matrix = spline_matrix(controls.detach().double(), regularisation)
    with without_autocast(targets.device):
        return (matrix @ targets.double()).to(wide)


def _plain(
    image: Tensor, controls: Tensor, targets: Tensor, size: tuple[int, int], regularisation: float, padding: str, align_corners: bool
) -> Tensor:
    """PyTorch's sampler on a grid that is one matrix product: what the points add to each pixel hangs on no image and no target."""
    wide = accumulator(image.dtype, targets.dtype)
    basis = _basis(controls.detach().to(wide), size, align_corners)
    coefficients = _coefficients(controls, targets, regularisation, wide)
    with without_autocast(image.device):
        # all splines as the rows of one product; a matrix with two columns an image would be the slow kind.
        grid = coefficients.transpose(1, 2).reshape(-1, basis.shape[0]) @ basis
    grid = grid.view(-1, 2, *size).permute(0, 2, 3, 1)
    return safe_grid_sample(image.to(wide), grid, padding, align_corners).to(image.dtype)


def _basis(controls: Tensor, size: tuple[int, int], align_corners: bool) -> Tensor:
    """Return ``[K + 3, H_out · W_out]``: U of the distance to each point, 1, x and y."""
    v, u = (_centres(count, align_corners, controls) for count in size)
    # squares along the two axes are shared by whole columns and rows.
    squared = (v - controls[:, 1:]).square()[:, :, None] + (u - controls[:, :1]).square()[:, None]
    basis = controls.new_empty(controls.shape[0] + 3, *size)
    basis[:-3] = radial(squared)
    basis[-3] = 1.0
    basis[-2] = u
    basis[-1] = v[:, None]
    return basis.view(-1, size[0] * size[1])


def _centres(count: int, align_corners: bool, like: Tensor) -> Tensor:
    """Return the normalised coordinates of ``count`` pixel centres; a single one is at 0."""
    # 1 − n, 3 − n … n − 1 are exact, and symmetric about 0.
    return torch.arange(1 - count, count, 2, dtype=like.dtype, device=like.device) / max(count - align_corners, 1)


def _fused(
    image: Tensor, controls: Tensor, targets: Tensor, size: tuple[int, int], regularisation: float, padding: str, align_corners: bool
) -> Tensor:
    # imported here: Triton may be missing, and its interpreter can be switched on only before the import.
    from vislab.ops.tps_sample.fused import tps_sample_fused

    coefficients = _coefficients(controls, targets, regularisation, accumulator(image.dtype, targets.dtype))
    return tps_sample_fused(image, controls, coefficients, size, padding, align_corners)


_FORMULATIONS: dict[str, Callable[[Tensor, Tensor, Tensor, tuple[int, int], float, str, bool], Tensor]] = {
    "plain": _plain,
    "fused": _fused,
    "naive": tps_sample_naive,
}
