"""From stored rows to a batch in one pass: convert, normalise, augment; no loop over rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vislab.data.augment import LUMA, Augmentation, Draws
from vislab.data.constants import constant
from vislab.data.info import FieldInfo
from vislab.data.moves import mirror_images, move_fields
from vislab.data.warp import affine_warp


@dataclass(frozen=True)
class Recipe:
    """What is done to every batch.

    Args:
        info: the fields.
        mean, std: per channel of ``img``, intensity 0..1; the image becomes ``(img − mean) / std``.
        dtype: floating dtype of images.
        augmentation: None leaves rows as they are.
    """

    info: Mapping[str, FieldInfo]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    dtype: torch.dtype = torch.float32
    augmentation: Augmentation | None = None


def make_recipe(
    info: Mapping[str, FieldInfo],
    normalise: tuple[Sequence[float], Sequence[float]] | None,
    dtype: torch.dtype,
    augmentation: Augmentation | None,
) -> Recipe:
    """Check what a loader was given and make its recipe.

    Raises:
        ValueError: means and deviations that do not fit the channels, or an augmentation that a field cannot follow.
        TypeError: an image dtype that is not floating.
    """
    if not dtype.is_floating_point:
        raise TypeError(f"dtype {dtype} must be floating: images are normalised; pass torch.float32")
    if augmentation is not None:
        augmentation.check(info)
    channels = info["img"].shape[-3] if "img" in info else 1
    if augmentation is not None and augmentation.colour is not None and augmentation.colour.saturation and channels != 3:
        raise ValueError(f"saturation needs three channels, img has {channels}; set saturation to 0")
    if normalise is None:
        return Recipe(info, dtype=dtype, augmentation=augmentation)
    mean, std = (tuple(float(number) for number in numbers) for numbers in normalise)
    if len(mean) not in (1, channels) or len(std) != len(mean):
        raise ValueError(f"normalise holds {len(mean)} means and {len(std)} deviations; it must hold {channels} of each, or one of each")
    if not all(number > 0 for number in std):
        raise ValueError(f"normalise's deviations {std} must be positive; they are intensities from 0 to 1")
    return Recipe(info, mean, std, dtype, augmentation)


def assemble(stored: Mapping[str, Tensor], recipe: Recipe, generator: torch.Generator | None) -> dict[str, Tensor]:
    """Turn stored rows into a batch.

    Args:
        stored: fields of B rows on one device, as stored: images uint8, labels whole.
        recipe: what to do.
        generator: on that device; needed for an augmentation.

    Returns:
        Images floating: ``img`` normalised, others 0..1. Labels int64. Everything else in its stored dtype.
    """
    batch = {name: _plain(name, values, recipe) for name, values in stored.items()}
    draws = None
    if recipe.augmentation is not None:
        if generator is None:
            raise ValueError("generator is None; an augmentation draws from it; pass torch.Generator(device).manual_seed(0)")
        image = stored["img"]
        size = (image.shape[-2], image.shape[-1])
        draws = recipe.augmentation.draw(len(image), size, generator, image.device)
        batch = move_fields(batch, recipe.info, draws, recipe.augmentation, size)
    for name in stored:
        if name in recipe.info and recipe.info[name].role == "image":
            batch[name] = _image(name, stored[name], recipe, draws)
    return batch


def _plain(name: str, values: Tensor, recipe: Recipe) -> Tensor:
    label = name not in recipe.info or recipe.info[name].label
    return values.long() if label and not values.is_floating_point() and values.dtype != torch.bool else values


def _image(name: str, stored: Tensor, recipe: Recipe, draws: Draws | None) -> Tensor:
    # frames of a row become rows of their own, and share the row's draws.
    images = stored.reshape(-1, *stored.shape[-3:])
    frames = len(images) // max(1, len(stored))
    main = name == "img"
    if draws is None:
        return _normalised(images, recipe, main).view(stored.shape)
    augmentation = recipe.augmentation
    assert augmentation is not None
    if draws.forward is not None:
        assert augmentation.affine is not None
        padding = augmentation.affine.padding if main else "zeros"
        images = affine_warp(images.to(recipe.dtype), _repeat(draws.forward, frames), padding)
        unit = _unit(stored)
    else:
        unit = _unit(stored)
        if draws.mirrored is not None:
            # still bytes here, a quarter of what floats would move.
            images = mirror_images(images, _repeat(draws.mirrored, frames))
    if not main or (draws.colour is None and draws.hole is None):
        return _normalised(images, recipe, main, unit).view(stored.shape)
    # intensities are counted from the hole's fill, so that multiplying by 0 fills.
    fill = 0.0 if augmentation.cutout is None else augmentation.cutout.fill
    result = images.to(recipe.dtype, copy=True)
    if draws.colour is None:
        result.mul_(unit).sub_(fill)
    else:
        colour = _repeat(draws.colour, frames).to(recipe.dtype)
        saturated = augmentation.colour is not None and augmentation.colour.saturation > 0
        result = _coloured(result, colour, unit, fill, saturated)
    if draws.hole is not None:
        result.mul_(_outside(_repeat(draws.hole, frames), result))
    gain, offset = _channels(recipe, images)
    if _identity(recipe):
        return (result.add_(fill) if fill else result).view(stored.shape)
    return result.mul_(gain).add_(offset + fill * gain).view(stored.shape)


def _normalised(images: Tensor, recipe: Recipe, main: bool, unit: float | None = None) -> Tensor:
    """``(images · unit − mean) / std`` in one product and one sum."""
    unit = _unit(images) if unit is None else unit
    if not main or _identity(recipe):
        return images.to(recipe.dtype, copy=True) if unit == 1.0 else images.to(recipe.dtype, copy=True).mul_(unit)
    gain, offset = _channels(recipe, images)
    return images.to(recipe.dtype, copy=True).mul_(gain * unit).add_(offset)


def _coloured(images: Tensor, colour: Tensor, unit: float, fill: float, saturated: bool) -> Tensor:
    """Saturation, gain and offset of each row, clamped to 0..1, less ``fill``; ``images`` is written over."""
    saturation, gain, offset = (part[:, None, None, None] for part in colour.unbind(-1))
    if saturated:
        red, green, blue = images.unbind(1)
        grey = red.mul(LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])[:, None]
        grey.mul_((1 - saturation) * gain * unit).add_(offset - fill)
        images = torch.addcmul(grey, images, saturation * gain * unit, out=images)
    else:
        images.mul_(gain * unit).add_(offset - fill)
    return images.clamp_(-fill, 1 - fill)


def _outside(hole: Tensor, images: Tensor) -> Tensor:
    """1 outside each row's rectangle and 0 inside, ``[B, 1, H, W]``."""
    height, width = images.shape[-2:]
    # both axes at once, up to the longer side.
    places = constant(tuple(range(max(height, width))), hole.dtype, images.device)
    inside = ((places >= hole[:, :2, None]) & (places < hole[:, 2:, None])).to(images.dtype)
    return (inside[:, 1, :height, None] * inside[:, 0, None, :width]).neg_().add_(1)[:, None]


def _unit(images: Tensor) -> float:
    return 1 / 255 if images.dtype == torch.uint8 else 1.0


def _identity(recipe: Recipe) -> bool:
    return recipe.mean == (0.0,) and recipe.std == (1.0,)


def _channels(recipe: Recipe, images: Tensor) -> tuple[Tensor, Tensor]:
    """Gain and offset of each channel, ``[1, C, 1, 1]`` (C or 1): normalised = intensity · gain + offset."""
    gain = constant(tuple(1 / std for std in recipe.std), recipe.dtype, images.device)
    offset = constant(tuple(-mean / std for mean, std in zip(recipe.mean, recipe.std)), recipe.dtype, images.device)
    return gain.view(1, -1, 1, 1), offset.view(1, -1, 1, 1)


def _repeat(values: Tensor, frames: int) -> Tensor:
    return values if frames == 1 else values.repeat_interleave(frames, 0)
