"""The checked public entry of soft-argmax, and the formulation for devices without Triton."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from numbers import Real
from typing import Literal, overload

import torch
from torch import Tensor

from vislab.ops.path import resolve_path
from vislab.ops.precision import FLOATING, check_floating
from vislab.ops.soft_argmax.naive import soft_argmax_naive

# outside these bounds 1 / temperature is no normal float32 number.
_TEMPERATURE_MIN, _TEMPERATURE_MAX = 1e-30, 1e30
# above this the float32 sum inside torch.softmax on a CPU is worth correcting: over 10^6 pixels it is off by 7e-5, here 0.04 pixels.
_SOFTMAX_PIXELS_MAX = 4096


@overload
def soft_argmax(
    heatmaps: Tensor, *, temperature: float = ..., return_variance: Literal[False] = ..., dtype: torch.dtype | None = ..., path: str = ...
) -> Tensor: ...
@overload
def soft_argmax(
    heatmaps: Tensor, *, temperature: float = ..., return_variance: Literal[True], dtype: torch.dtype | None = ..., path: str = ...
) -> tuple[Tensor, Tensor]: ...
def soft_argmax(
    heatmaps: Tensor,
    *,
    temperature: float = 1.0,
    return_variance: bool = False,
    dtype: torch.dtype | None = None,
    path: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    """Locate each heatmap's mass: the expected pixel position under its spatial softmax.

    The maps are logits: ``p = softmax(heatmap / temperature)`` over all H · W pixels of a map, and the answer is ``E[(x, y)]`` under
    ``p``. Adding a constant to a map changes nothing. Everything is summed in float32 (float64 for float64 maps).

    Shapes: B batch, J joints (or any other channels), H height, W width.

    Args:
        heatmaps: float16, bfloat16, float32 or float64, ``[B, J, H, W]``, any strides; B and J may be 0, H and W may not. A pixel of
            ``-inf`` takes no part and gets gradient 0: to mask, pass ``heatmaps.masked_fill(~mask, -torch.inf)``.
        temperature: a number in [1e-30, 1e30] that the maps are divided by. Below 1 sharpens towards the arg-max. A tensor is refused:
            for a learned temperature pass ``heatmaps / temperature``.
        return_variance: also return the spread of each map.
        dtype: floating dtype of the answer; None keeps the maps'. Pass ``torch.float32`` with half-precision maps: bfloat16 holds no
            half pixels above 128, float16 none above 1024.
        path: ``"auto"`` takes what ``path_for`` names; ``"plain"``, ``"fused"`` and ``"naive"`` force one formulation, for comparison.

    Returns:
        Mean position, ``[B, J, 2]``, x then y, pixels, within the map. With ``return_variance`` also the variances
        ``(E[(x − E[x])²], E[(y − E[y])²])``, ``[B, J, 2]``, pixels².
        A map that is ``-inf`` throughout says nothing and counts as uniform: mean ``((W − 1) / 2, (H − 1) / 2)``, variance
        ``((W² − 1) / 12, (H² − 1) / 12)``, gradient 0. A map holding NaN or ``+inf`` gives NaN.

    Raises:
        TypeError: heatmaps that are no floating tensor, a temperature that is no number, an answer dtype that is not floating.
        ValueError: a rank other than 4, maps without pixels, a temperature out of range, an unknown path.
        RuntimeError: ``path="fused"`` without Triton, or on a CPU outside Triton's interpreter.

    Convention:
        Pixel centres are whole numbers, 0 to W − 1 and 0 to H − 1; ``vislab.geometry`` converts from and to −1..1.
        The temperature divides. Where a library's ``temperature`` or β multiplies (kornia's ``spatial_soft_argmax2d``), pass 1 / β.
        ``torch.argmax`` returns one flat row-major index, y · W + x.

    Source:
        Sun et al., "Integral Human Pose Regression", ECCV 2018, equation 2; Luvizon et al., "Human pose regression by combining
        indirect part detection and contextual information", Computers & Graphics 2019.

    Example:
        >>> heatmaps = torch.full((1, 1, 4, 5), -torch.inf)
        >>> heatmaps[0, 0, 2, 1] = heatmaps[0, 0, 2, 3] = 0.0
        >>> soft_argmax(heatmaps, return_variance=True)
        (tensor([[[2., 2.]]]), tensor([[[1., 0.]]]))
    """
    _check(heatmaps, temperature, dtype)
    formulation = _FORMULATIONS[path_for(heatmaps, path)]
    return formulation(heatmaps, float(temperature), dtype or heatmaps.dtype, return_variance)


def path_for(heatmaps: Tensor, path: str = "auto") -> str:
    """Name the formulation that ``soft_argmax(heatmaps, path=path)`` takes.

    Args:
        heatmaps: the op's first input; where it lies decides, its numbers do not count.
        path: ``"auto"``, or the name of a formulation.

    Returns:
        ``"fused"``: Triton kernels, one pass over the maps. ``"plain"``: PyTorch's own ops. ``"naive"``: the reference.

    Raises:
        ValueError: an unknown path.
        RuntimeError: ``"fused"`` where Triton is not installed.
    """
    return resolve_path(path, heatmaps, _FORMULATIONS)


def _check(heatmaps: Tensor, temperature: float, dtype: torch.dtype | None) -> None:
    check_floating("heatmaps", heatmaps)
    if heatmaps.ndim != 4:
        raise ValueError(f"heatmaps.shape {tuple(heatmaps.shape)} must be [B, J, H, W]; add the missing axes with heatmaps[None]")
    if heatmaps.shape[2] == 0 or heatmaps.shape[3] == 0:
        raise ValueError(f"heatmaps.shape {tuple(heatmaps.shape)} holds maps without pixels; H and W must be at least 1")
    if not isinstance(temperature, Real):
        raise TypeError(
            f"temperature is {type(temperature).__name__}; it must be a number;"
            " for a learned temperature divide first: soft_argmax(heatmaps / temperature)"
        )
    # written so that NaN fails.
    if not _TEMPERATURE_MIN <= temperature <= _TEMPERATURE_MAX:
        raise ValueError(f"temperature {temperature} must lie in [{_TEMPERATURE_MIN:g}, {_TEMPERATURE_MAX:g}]; 1.0 is the plain softmax")
    if dtype is not None and dtype not in FLOATING:
        raise TypeError(f"dtype {dtype} must be one of {FLOATING}; leave it out to keep the maps' own")


def _plain(heatmaps: Tensor, temperature: float, dtype: torch.dtype, return_variance: bool) -> Tensor | tuple[Tensor, Tensor]:
    """The moments through the map's two marginals: H + W products a map where weighting every pixel takes 2 · H · W."""
    wide = heatmaps.to(torch.float64 if heatmaps.dtype == torch.float64 else torch.float32)
    columns, rows = _marginals(wide, temperature)
    x = torch.arange(wide.shape[3], dtype=wide.dtype, device=wide.device)
    y = torch.arange(wide.shape[2], dtype=wide.dtype, device=wide.device)
    # product and sum, not a matrix product: autocast would round the coordinates to half precision.
    mean = torch.stack([(columns * x).sum(-1), (rows * y).sum(-1)], dim=-1)
    if not return_variance:
        return mean.to(dtype)
    spread_x = (columns * (x - mean[..., :1]) ** 2).sum(-1)
    spread_y = (rows * (y - mean[..., 1:]) ** 2).sum(-1)
    return mean.to(dtype), torch.stack([spread_x, spread_y], dim=-1).to(dtype)


def _marginals(wide: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Sum each map's probability over its rows, ``[B, J, W]``, and over its columns, ``[B, J, H]``."""
    # torch.softmax is the fastest road on a CPU, but a blank map is NaN to it, forward and backward. Looking at the result is cheap
    # on a CPU; on other devices it would wait for the queue, and a compiled graph would break, so those take the blank-proof road.
    if wide.device.type == "cpu" and not torch.compiler.is_compiling():
        scaled = wide if temperature == 1.0 else wide / temperature
        probability = torch.softmax(scaled.flatten(2), dim=-1).view(wide.shape)
        columns, rows = probability.sum(-2), probability.sum(-1)
        if not _may_hold_nan(columns):
            if wide.shape[2] * wide.shape[3] > _SOFTMAX_PIXELS_MAX:
                columns, rows = columns / columns.sum(-1, keepdim=True), rows / rows.sum(-1, keepdim=True)
            return columns, rows
    peak = wide.detach().flatten(2).amax(-1)[..., None, None]
    # -inf minus -inf is NaN; from a shift of 0 a blank map's weights come out as 0, and so does their gradient.
    weight = ((wide - peak.masked_fill(torch.isneginf(peak), 0.0)) / temperature).exp()
    columns, rows = weight.sum(-2), weight.sum(-1)
    blank = rows.sum(-1, keepdim=True) == 0
    columns, rows = columns.masked_fill(blank, 1.0), rows.masked_fill(blank, 1.0)
    return columns / columns.sum(-1, keepdim=True), rows / rows.sum(-1, keepdim=True)


def _may_hold_nan(columns: Tensor) -> bool:
    try:
        return isnan(columns.detach().sum().item())
    except RuntimeError:
        # a tensor under vmap or a tracer has no value to look at.
        return True


def _fused(heatmaps: Tensor, temperature: float, dtype: torch.dtype, return_variance: bool) -> Tensor | tuple[Tensor, Tensor]:
    # imported here: Triton may be missing, and its interpreter can be switched on only before the import.
    from vislab.ops.soft_argmax.fused import soft_argmax_fused

    return soft_argmax_fused(heatmaps, temperature, dtype, return_variance)


_FORMULATIONS: dict[str, Callable[[Tensor, float, torch.dtype, bool], Tensor | tuple[Tensor, Tensor]]] = {
    "plain": _plain,
    "fused": _fused,
    "naive": soft_argmax_naive,
}
