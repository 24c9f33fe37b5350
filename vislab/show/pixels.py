"""From tensors to what matplotlib draws: checked, on the CPU, with everything that is not finite named."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Tensor

from vislab.show.style import NOT_FINITE, axes, not_finite, note, title

ValueRange = tuple[float, float] | None
# a float image may overshoot by rounding, in half precision too.
_SLACK = 1e-2


def image(picture: Tensor, *, caption: str = "", value_range: ValueRange = None, ax: Axes | None = None) -> Axes:
    """Draw one image.

    Shapes: C channels (1 or 3), H height, W width.

    Args:
        picture: uint8, bool or floating, ``[C, H, W]`` or ``[H, W]``, any device. Floats must lie in 0..1 unless ``value_range`` is given.
        caption: title of the panel.
        value_range: lowest and highest value, drawn black and white; what lies outside is cut off. Give ``(-1, 1)`` for the output of a
            tanh. None: 0..255 for uint8, 0..1 for bool and floats.
        ax: panel to draw into; None opens a figure.

    Returns:
        The panel. Pixels that are NaN or infinite are magenta, and counted below it.

    Raises:
        TypeError: no tensor, or an integer or complex dtype other than uint8.
        ValueError: a shape that is no image, an empty image, a float image outside 0..1 without ``value_range``.

    Convention:
        Pixel centres are whole numbers, (0, 0) is the centre of the top-left pixel, y grows downwards.

    Example:
        >>> panel = image(torch.eye(3), caption="a diagonal")
        >>> panel.images[0].get_array()[0, :, 0].tolist()
        [1.0, 0.0, 0.0]
    """
    under = rgb(picture, "picture", value_range)
    panel = axes(ax)
    lay(panel, under)
    title(panel, caption)
    return panel


def lay(panel: Axes, under: tuple[np.ndarray, str]) -> None:
    """Draw what ``rgb`` returned."""
    imshow(panel, under[0])
    note(panel, under[1])


def imshow(panel: Axes, colours: np.ndarray, **more: Any) -> Any:
    """Draw an array pixel by pixel, whatever the reader's own settings for images are, without axis lines."""
    panel.set_axis_off()
    return panel.imshow(colours, origin="upper", interpolation="nearest", aspect="equal", **more)


def array(values: Any, name: str) -> np.ndarray:
    """Return a tensor as a float64 array on the CPU (bool and integers included)."""
    if not isinstance(values, Tensor):
        raise TypeError(f"{name} is {type(values).__name__}; it must be a torch.Tensor; convert with torch.as_tensor({name})")
    if values.is_complex():
        raise TypeError(f"{name}.dtype {values.dtype} must be real; draw {name}.abs() or {name}.real")
    # numpy has no bfloat16.
    return values.detach().to("cpu", torch.float64).numpy()


def rgb(values: Tensor, name: str, value_range: ValueRange = None) -> tuple[np.ndarray, str]:
    """Turn one image into colours.

    Returns:
        Floats in 0..1, ``[H, W, 3]``, with magenta where a value is not finite; and a sentence about those values, or an empty text.
    """
    colours, told = batch_rgb(_leading(values, name), name, value_range)
    return colours[0], told


def batch_rgb(values: Tensor, name: str, value_range: ValueRange = None) -> tuple[np.ndarray, str]:
    """Turn a batch of images, ``[B, C, H, W]`` or ``[B, H, W]``, into colours, ``[B, H, W, 3]``; returns what ``rgb`` returns."""
    plain = array(values, name)
    if values.dtype not in (torch.uint8, torch.bool) and not values.is_floating_point():
        raise TypeError(
            f"{name}.dtype {values.dtype} must be uint8, bool or floating; convert counts 0..255 with {name}.to(torch.uint8), "
            f"labels with {name}.float() and value_range=(0, {name}.max())"
        )
    if plain.ndim == 3:
        plain = plain[:, None]
    if plain.ndim != 4 or plain.shape[1] not in (1, 3):
        raise ValueError(
            f"{name}.shape {tuple(values.shape)} must be [B, C, H, W] with C 1 or 3, or [B, H, W]; "
            f"bring the channels forward with {name}.movedim(-1, 1), or draw one channel with {name}[:, 0]"
        )
    if plain.size == 0:
        raise ValueError(f"{name}.shape {tuple(values.shape)} holds no pixel; every axis must be at least 1")
    low, high = _limits(values, plain, name, value_range)
    bad = ~np.isfinite(plain).all(1)  # [B, H, W]
    shades = np.clip((np.where(np.isfinite(plain), plain, low) - low) / (high - low), 0.0, 1.0)
    colours = np.repeat(shades, 3, axis=1) if shades.shape[1] == 1 else shades
    colours = np.ascontiguousarray(np.moveaxis(colours, 1, -1))
    colours[bad] = to_rgb(NOT_FINITE)
    return colours, not_finite(name, plain)


def checked_range(value_range: tuple[float, float]) -> tuple[float, float]:
    """Check that a range has two ends, the lower first."""
    low, high = (float(value) for value in value_range)
    # written so that NaN fails.
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"value_range {value_range} must be two finite numbers, the lower first; for the output of a tanh (-1, 1)")
    return low, high


def maps(values: Tensor, name: str, count: bool = True) -> np.ndarray:
    """Check maps of numbers, ``[H, W]`` or (``count``) ``[N, H, W]``, and return them as ``[N, H, W]``."""
    plain = array(values, name)
    if plain.ndim == 2:
        plain = plain[None]
    if plain.ndim != 3 or (not count and plain.shape[0] != 1):
        wanted = "[N, H, W] or [H, W]" if count else "[H, W]"
        raise ValueError(f"{name}.shape {tuple(values.shape)} must be {wanted}; of a batch pass one, as in {name}[0]")
    if plain.size == 0:
        raise ValueError(f"{name}.shape {tuple(values.shape)} holds no number; every axis must be at least 1")
    return plain


def points(values: Tensor, name: str) -> np.ndarray:
    """Check points, ``[N, 2]``, x then y."""
    plain = array(values, name)
    if plain.ndim != 2 or plain.shape[1] != 2:
        remedy = f"turn it with {name}.mT" if plain.ndim == 2 and plain.shape[0] == 2 else f"of a batch pass one, as in {name}[0]"
        raise ValueError(f"{name}.shape {tuple(values.shape)} must be [N, 2], x then y; {remedy}")
    return plain


def _leading(values: Tensor, name: str) -> Tensor:
    if isinstance(values, Tensor) and (values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[0] not in (1, 3))):
        remedy = f"of a batch pass one, as in {name}[0], or use batch_grid"
        if values.ndim == 3 and values.shape[-1] in (1, 3):
            remedy = f"bring the channels forward with {name}.movedim(-1, 0)"
        raise ValueError(f"{name}.shape {tuple(values.shape)} must be [C, H, W] with C 1 or 3, or [H, W]; {remedy}")
    return values[None] if isinstance(values, Tensor) else values


def _limits(values: Tensor, plain: np.ndarray, name: str, value_range: ValueRange) -> tuple[float, float]:
    if value_range is not None:
        return checked_range(value_range)
    if values.dtype == torch.uint8:
        return 0.0, 255.0
    finite = plain[np.isfinite(plain)]
    if finite.size and (finite.min() < -_SLACK or finite.max() > 1 + _SLACK):
        raise ValueError(
            f"{name} has values in {finite.min():.4g}..{finite.max():.4g}; a floating image must lie in 0..1; "
            "pass value_range=(lowest, highest), such as (-1, 1) for the output of a tanh"
        )
    return 0.0, 1.0
