"""The checked public entry of the attention windows, and the formulation for devices without Triton."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import torch
from torch import Tensor

from vislab.ops.path import resolve_path
from vislab.ops.precision import check_floating, without_autocast
from vislab.ops.window_filters import window_filters
from vislab.ops.window_pool.naive import window_pool_naive

# name of a window to its default width in cells and its smallest scale in pixels.
WINDOWS = {"gaussian": (0.5, 1e-6), "box": (0.5, 1e-6), "bump": (1.0, 1.0)}
# outside these bounds the scale of a window, or its inverse, is no normal float32 number.
_SHAPE_MIN, _SHAPE_MAX = 1e-6, 1e6
# on an H100 the kernels are faster than the plain formulation up to here, and take 2 to 3 times as long on images of 512 × 512.
_FUSED_PIXELS_MAX = 256 * 256


def window_pool(
    images: Tensor,
    centres: Tensor,
    extents: Tensor,
    size: int | tuple[int, int],
    *,
    window: str = "gaussian",
    width: float | None = None,
    softness: float = 0.1,
    path: str = "auto",
) -> Tensor:
    """Look at a part of each image through a grid of soft windows, differentiably in where and how large.

    The extent is cut into ``size`` cells; a window sits on the middle of each. Along each axis a window is a row of weights over the
    pixels that sums to 1, so a cell is a weighted mean, ``F_y I F_xᵀ``. Everything is summed in float32 (float64 where any input is).

    Shapes: B batch, C channels, H height, W width.

    Args:
        images: float16, bfloat16, float32 or float64, ``[B, C, H, W]``, any strides; B and C may be 0, H and W may not.
        centres: middle of what is looked at, x then y, pixels, ``[B, 2]``, any of these dtypes (float32 for half-precision images: bfloat16
            holds no half pixels above 128). May lie outside the image.
        extents: its width and height, pixels, ``[B, 2]``. At or below 0 all windows sit on the centre, and the extent's gradient is 0.
        size: cells, ``(h, w)`` or one number for both, at least 1.
        window: ``"gaussian"``: ``exp(−u²/2)`` with ``u`` the distance in sigmas (DRAW). ``"box"``: flat, with sigmoid edges.
            ``"bump"``: ``exp(1 − 1/(1 − u²))`` for ``|u| < 1``, 0 from there on, with all derivatives.
        width: scale of a window in cells, in [1e-6, 1e6]: sigma of a Gaussian (None: 0.5), half the width of a box (None: 0.5, the
            cell itself) and of a bump (None: 1, as far as the neighbours' middles). A bump is never narrower than one pixel to each side.
        softness: scale of a box's edge as a share of half its width, in [1e-6, 1e6]; unused otherwise.
        path: ``"auto"`` takes what ``path_for`` names; ``"plain"``, ``"fused"`` and ``"naive"`` force one formulation, for comparison.

    Returns:
        ``[B, C, h, w]``, the images' dtype. Weights are normalised by a softmax over their logarithms, so that they are finite where all
        of them underflow and dividing by their sum would be 0 / 0: a Gaussian that narrow or that far out takes the nearest pixel. A bump
        that reaches no pixel, which only one outside the image can, is 0 with gradient 0.

    Raises:
        TypeError: images, centres or extents that are no floating tensor, a size, width or softness that is no number.
        ValueError: a shape that does not fit, images without pixels, differing devices, a number out of range, an unknown window or path.
        RuntimeError: ``path="fused"`` without Triton, or on a CPU outside Triton's interpreter.

    Convention:
        Pixel centres are whole numbers, 0 to W − 1 and 0 to H − 1. ``centres = ((W − 1) / 2, (H − 1) / 2)`` and ``extents = (W, H)`` look
        at the whole image. DRAW's stride is extent / size here; its ``(N/2 − 0.5)`` is the middle of the cells, as here.

    Source:
        Gregor et al., "DRAW: a recurrent neural network for image generation", ICML 2015, equations 19 to 26, with a normalisation that
        holds for any sigma.

    Example:
        >>> images = torch.arange(16.0).view(1, 1, 4, 4)
        >>> window_pool(images, torch.tensor([[1.5, 1.5]]), torch.tensor([[4.0, 4.0]]), 2, window="box", softness=1e-3)
        tensor([[[[ 2.5000,  4.5000],
                  [10.5000, 12.5000]]]])
    """
    rows_and_columns = _size(size)
    _check(images, centres, extents)
    if window not in WINDOWS:
        raise ValueError(f"window {window!r} must be one of {list(WINDOWS)}")
    width = WINDOWS[window][0] if width is None else width
    _check_shape("width", width, "in cells; None takes the window's own")
    _check_shape("softness", softness, "as a share of half a box's width; 0.1 is the default")
    formulation = _FORMULATIONS[path_for(images, path)]
    return formulation(images, centres, extents, rows_and_columns, window, float(width), float(softness))


def path_for(images: Tensor, path: str = "auto") -> str:
    """Name the formulation that ``window_pool(images, ..., path=path)`` takes.

    Args:
        images: the op's first input; where it lies and how large it is decide, its numbers do not count.
        path: ``"auto"``, or the name of a formulation.

    Returns:
        ``"fused"``: Triton kernels, both filters applied in one pass, for images of up to 256 × 256 pixels. ``"plain"``: PyTorch's own ops.
        ``"naive"``: the reference.

    Raises:
        ValueError: an unknown path.
        RuntimeError: ``"fused"`` where Triton is not installed.
    """
    return resolve_path(path, images, _FORMULATIONS, fused_pays=images.shape[2] * images.shape[3] <= _FUSED_PIXELS_MAX)


def _size(size: int | tuple[int, int]) -> tuple[int, int]:
    both = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, tuple | list | torch.Size) else ()
    if len(both) != 2 or not all(isinstance(cells, int) and not isinstance(cells, bool) for cells in both):
        raise TypeError(f"size {size!r} must be one whole number or two, (h, w)")
    if min(both) < 1:
        raise ValueError(f"size {size!r} must be at least 1 along each axis; it counts cells")
    return both


def _check(images: Tensor, centres: Tensor, extents: Tensor) -> None:
    for name, tensor in (("images", images), ("centres", centres), ("extents", extents)):
        check_floating(name, tensor)
        if tensor.device != images.device:
            raise ValueError(f"{name} is on {tensor.device}, images on {images.device}; move it with {name}.to(images.device)")
    if images.ndim != 4:
        raise ValueError(f"images.shape {tuple(images.shape)} must be [B, C, H, W]; add the missing axes with images[None]")
    if images.shape[2] == 0 or images.shape[3] == 0:
        raise ValueError(f"images.shape {tuple(images.shape)} holds images without pixels; H and W must be at least 1")
    for name, tensor in (("centres", centres), ("extents", extents)):
        if tensor.shape != (images.shape[0], 2):
            raise ValueError(
                f"{name}.shape {tuple(tensor.shape)} must be [{images.shape[0]}, 2], x then y for each image;"
                f" for the same in all images pass {name}.expand({images.shape[0]}, 2)"
            )


def _check_shape(name: str, number: float, meaning: str) -> None:
    if not isinstance(number, Real):
        raise TypeError(f"{name} is {type(number).__name__}; it must be a number, {meaning}")
    # written so that NaN fails.
    if not _SHAPE_MIN <= number <= _SHAPE_MAX:
        raise ValueError(f"{name} {number} must lie in [{_SHAPE_MIN:g}, {_SHAPE_MAX:g}], {meaning}")


def _plain(images: Tensor, centres: Tensor, extents: Tensor, size: tuple[int, int], window: str, width: float, softness: float) -> Tensor:
    """Both filters as softmaxes, then one matrix product from each side, the second over the cells of all channels at once."""
    wide = torch.promote_types(torch.promote_types(images.dtype, torch.float32), torch.promote_types(centres.dtype, extents.dtype))
    batch, channels, height, image_width = images.shape
    shape = window, width, softness, WINDOWS[window][1]
    with without_autocast(images.device):
        columns = window_filters(centres[:, 0].to(wide), extents[:, 0].to(wide), size[1], image_width, *shape)
        rows = window_filters(centres[:, 1].to(wide), extents[:, 1].to(wide), size[0], height, *shape)
        # rows first: a matrix product whose second factor has few columns is the slower kind on a CPU.
        low = rows[:, None] @ images.to(wide)
        pooled = torch.bmm(low.view(batch, channels * size[0], image_width), columns.transpose(1, 2))
    return pooled.view(batch, channels, *size).to(images.dtype)


def _fused(images: Tensor, centres: Tensor, extents: Tensor, size: tuple[int, int], window: str, width: float, softness: float) -> Tensor:
    # imported here: Triton may be missing, and its interpreter can be switched on only before the import.
    from vislab.ops.window_pool.fused import window_pool_fused

    return window_pool_fused(images, centres, extents, size, window, width, softness, WINDOWS[window][1])


_FORMULATIONS: dict[str, Callable[[Tensor, Tensor, Tensor, tuple[int, int], str, float, float], Tensor]] = {
    "plain": _plain,
    "fused": _fused,
    "naive": window_pool_naive,
}
