"""The checked public entry of Gaussian heatmaps, and the formulation for devices without Triton."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real

import torch
from torch import Tensor

from vislab.ops.gaussian_heatmaps.naive import gaussian_heatmaps_naive
from vislab.ops.path import resolve_path
from vislab.ops.precision import FLOATING, check_floating

_NORMALISATIONS = ("peak", "sum")
# within these bounds sigma and 1 / sigma² are normal float32 numbers, with room for distances of 10^30 pixels.
_SIGMA_MIN, _SIGMA_MAX = 1e-6, 1e6
# elements of all maps together from which a product's backward would wait for memory.
_CACHED = 2**21


def gaussian_heatmaps(
    poses: Tensor,
    size: tuple[int, int],
    *,
    sigma: float,
    normalise: str = "peak",
    visibility: Tensor | None = None,
    dtype: torch.dtype | None = None,
    path: str = "auto",
) -> Tensor:
    """Render one Gaussian blob for each joint of each pose.

    ``h(u) = exp(−|u − pose|² / (2 σ²))`` at every pixel u, in sum mode divided by its sum over the map's pixels. Distances, exponentials
    and sums are taken in float32 (float64 for float64 poses). Differentiable in the poses.

    Shapes: B batch, J joints, H height, W width.

    Args:
        poses: float16, bfloat16, float32 or float64, ``[B, J, 2]``, x then y, pixels, any strides; B and J may be 0. A joint may lie
            outside the map, at any distance up to 1e30 pixels.
        size: ``(H, W)`` of the maps, both at least 1. Height first, as in a tensor's shape, although poses are x first.
        sigma: standard deviation in pixels, a number in [1e-6, 1e6]. A tensor is refused: it gets no gradient.
        normalise: ``"peak"``: a joint on a pixel centre has the value 1 there. ``"sum"``: every visible map sums to 1.
        visibility: bool or number, ``[B, J]``; a joint whose entry is 0 has a map of zeros and gets gradient 0, whatever its position
            (NaN as well). Any other entry draws the joint at full strength. None: all are visible.
        dtype: floating dtype of the maps; None keeps the poses'.
        path: ``"auto"`` takes what ``path_for`` names; ``"plain"``, ``"fused"`` and ``"naive"`` force one formulation, for comparison.

    Returns:
        Maps, ``[B, J, H, W]``. In sum mode the sum is taken as a softmax over the pixels of ``−|u − pose|² / (2 σ²)``, so it is never
        0/0: as σ goes to 0, or the joint moves away from the image, the mass gathers on the nearest pixel (pixels equally near share
        it). A visible NaN position gives a map of NaN.

    Raises:
        TypeError: poses that are no floating tensor, a sigma or size that is no number, a dtype that is not floating.
        ValueError: a shape other than ``[B, J, 2]``, maps without pixels, sigma out of range, visibility of another shape or device,
            an unknown normalisation or path.
        RuntimeError: ``path="fused"`` without Triton, or on a CPU outside Triton's interpreter.

    Convention:
        Pixel centres are whole numbers, 0 to W − 1 and 0 to H − 1; ``vislab.geometry`` converts from and to −1..1.
        The exponent has the 2 of a normal distribution: at distance σ a peak map holds exp(−1/2). A library's ``radius`` or ``var`` is
        often 3σ or σ².

    Source:
        Tompson et al., "Joint Training of a Convolutional Network and a Graphical Model for Human Pose Estimation", NeurIPS 2014,
        section 3.1; Nibali et al., "Numerical Coordinate Regression with Convolutional Neural Networks", 2018, for the sum-1 form.

    Example:
        >>> poses = torch.tensor([[[1.0, 0.0], [3.0, 1.0]]])
        >>> maps = gaussian_heatmaps(poses, (2, 4), sigma=1.0)
        >>> maps.shape, maps[0, 1, 1, 3].item()
        (torch.Size([1, 2, 2, 4]), 1.0)
    """
    height, width = _check(poses, size, sigma, normalise, visibility, dtype)
    formulation = _FORMULATIONS[path_for(poses, path)]
    return formulation(poses, (height, width), float(sigma), normalise, visibility, dtype or poses.dtype)


def path_for(poses: Tensor, path: str = "auto") -> str:
    """Name the formulation that ``gaussian_heatmaps(poses, ..., path=path)`` takes.

    Args:
        poses: the op's first input; where it lies decides, its numbers do not count.
        path: ``"auto"``, or the name of a formulation.

    Returns:
        ``"fused"``: Triton kernels, each map written once. ``"plain"``: PyTorch's own ops. ``"naive"``: the reference.

    Raises:
        ValueError: an unknown path.
        RuntimeError: ``"fused"`` where Triton is not installed.
    """
    return resolve_path(path, poses, _FORMULATIONS)


def _check(
    poses: Tensor, size: tuple[int, int], sigma: float, normalise: str, visibility: Tensor | None, dtype: torch.dtype | None
) -> tuple[int, int]:
    check_floating("poses", poses)
    if poses.ndim != 3 or poses.shape[2] != 2:
        raise ValueError(f"poses.shape {tuple(poses.shape)} must be [B, J, 2]; add a missing batch axis with poses[None]")
    if not isinstance(size, tuple | list) or len(size) != 2 or not all(isinstance(length, Integral | torch.SymInt) for length in size):
        raise TypeError(f"size {size!r} must be two whole numbers (H, W); write size=(64, 64)")
    if size[0] < 1 or size[1] < 1:
        raise ValueError(f"size {tuple(size)} makes maps without pixels; H and W must be at least 1")
    if not isinstance(sigma, Real):
        raise TypeError(f"sigma is {type(sigma).__name__}; it must be a number in pixels; pass sigma.item() for a tensor of one element")
    # written so that NaN fails.
    if not _SIGMA_MIN <= sigma <= _SIGMA_MAX:
        raise ValueError(f"sigma {sigma} must lie in [{_SIGMA_MIN:g}, {_SIGMA_MAX:g}] pixels; 2.0 is usual on maps of 64 pixels")
    if normalise not in _NORMALISATIONS:
        raise ValueError(f"normalise {normalise!r} must be one of {list(_NORMALISATIONS)}; 'peak' is 1 at the joint")
    if visibility is not None:
        _check_visibility(visibility, poses)
    if dtype is not None and dtype not in FLOATING:
        raise TypeError(f"dtype {dtype} must be one of {FLOATING}; leave it out to keep the poses' own")
    return size[0], size[1]


def _check_visibility(visibility: Tensor, poses: Tensor) -> None:
    if not isinstance(visibility, Tensor):
        raise TypeError(f"visibility is {type(visibility).__name__}; it must be a torch.Tensor; convert with torch.as_tensor(visibility)")
    if visibility.shape != poses.shape[:2]:
        raise ValueError(
            f"visibility.shape {tuple(visibility.shape)} must equal [B, J] = {tuple(poses.shape[:2])};"
            " drop a last axis with visibility[..., 0]"
        )
    if visibility.device != poses.device:
        raise ValueError(f"visibility is on {visibility.device}, poses on {poses.device}; move it with visibility.to(poses.device)")


def _plain(poses: Tensor, size: tuple[int, int], sigma: float, normalise: str, visibility: Tensor | None, dtype: torch.dtype) -> Tensor:
    """The outer product of two profiles: H + W exponentials a map where every pixel by itself takes H · W."""
    wide = poses.to(torch.float64 if poses.dtype == torch.float64 else torch.float32)
    hidden = None if visibility is None else (visibility == 0)[..., None]
    if hidden is not None:
        wide = wide.masked_fill(hidden, 0.0)
    rows = _profile(wide[..., 1], size[0], sigma, normalise)
    columns = _profile(wide[..., 0], size[1], sigma, normalise)
    if hidden is not None:
        rows, columns = rows.masked_fill(hidden, 0.0), columns.masked_fill(hidden, 0.0)
    if rows.requires_grad and rows.numel() * size[1] > _CACHED and not _autocast(wide):
        # a matrix product of rank one: its backward reads the upstream maps twice and makes no map of its own.
        return (rows[..., :, None] @ columns[..., None, :]).to(dtype)
    # twice as fast as that forward, and backward as long as maps stay in the cache.
    return (rows[..., :, None] * columns[..., None, :]).to(dtype)


def _profile(position: Tensor, length: int, sigma: float, normalise: str) -> Tensor:
    """Return the Gaussian along one axis, ``[B, J, length]``."""
    pixel = torch.arange(length, dtype=position.dtype, device=position.device)
    position = position[..., None]
    if normalise == "peak":
        return (((pixel - position) / sigma) ** 2 * -0.5).exp()
    # (x − p)² − (a − p)² for the nearest pixel a, as a product: the squares of a far joint would swallow the difference.
    nearest = position.detach().round().clamp(0, length - 1)
    # pixel numbers and their sums are exact, and so is twice a position: one rounding.
    return ((pixel - nearest) * ((pixel + nearest) - 2 * position) * (-0.5 / sigma**2)).softmax(-1)


def _autocast(tensor: Tensor) -> bool:
    """Whether a matrix product would be rounded to half precision."""
    kind = tensor.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def _fused(poses: Tensor, size: tuple[int, int], sigma: float, normalise: str, visibility: Tensor | None, dtype: torch.dtype) -> Tensor:
    # imported here: Triton may be missing, and its interpreter can be switched on only before the import.
    from vislab.ops.gaussian_heatmaps.fused import gaussian_heatmaps_fused

    return gaussian_heatmaps_fused(poses, size, sigma, normalise, visibility, dtype)


_FORMULATIONS: dict[str, Callable[[Tensor, tuple[int, int], float, str, Tensor | None, torch.dtype], Tensor]] = {
    "plain": _plain,
    "fused": _fused,
    "naive": gaussian_heatmaps_naive,
}
