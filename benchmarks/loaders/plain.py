"""The same preparation as people write it: a row at a time for a data set's ``__getitem__``, or plainly on a batch."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vislab.data.augment import LUMA, Augmentation, Draws

MEAN, STD = (0.5, 0.45, 0.4), (0.25, 0.3, 0.35)
_MEAN, _STD = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]


@dataclass(frozen=True)
class RowDraw:
    """One row's parameters as Python numbers, the cheapest a ``__getitem__`` can draw."""

    mirrored: bool = False
    theta: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    colour: tuple[float, float, float] | None = None
    hole: tuple[int, int, int, int] | None = None


def draw_row(augmentation: Augmentation | None, side: int, rng: random.Random) -> RowDraw:
    """Draw what ``Augmentation.draw`` draws for one row."""
    if augmentation is None:
        return RowDraw()
    theta, colour, hole = None, None, None
    mirrored = rng.random() < augmentation.flip
    if augmentation.affine is not None:
        jitter = augmentation.affine
        angle = rng.uniform(-jitter.rotation_rad, jitter.rotation_rad)
        factor = math.exp(rng.uniform(math.log(jitter.scale[0]), math.log(jitter.scale[1])))
        cosine, sine = math.cos(angle) / factor, math.sin(angle) / factor
        sign = -1 if mirrored else 1
        shift_x, shift_y = (2 * rng.uniform(-share, share) for share in jitter.shift)
        theta = (
            (sign * cosine, sign * sine, -sign * (cosine * shift_x + sine * shift_y)),
            (-sine, cosine, sine * shift_x - cosine * shift_y),
        )
    if augmentation.colour is not None:
        jitter_c = augmentation.colour
        saturation, brightness, contrast = (1 + rng.uniform(-s, s) for s in (jitter_c.saturation, jitter_c.brightness, jitter_c.contrast))
        colour = (saturation, brightness * contrast, 0.5 * (1 - contrast))
    if augmentation.cutout is not None and rng.random() < augmentation.cutout.probability:
        width, height = (max(1, round(side * augmentation.cutout.share * rng.uniform(1 / 3, 1))) for _ in range(2))
        x0, y0 = rng.randint(0, side - width), rng.randint(0, side - height)
        hole = (x0, y0, x0 + width, y0 + height)
    return RowDraw(mirrored, theta, colour, hole)


def prepare_row(image: Tensor, draw: RowDraw, augmentation: Augmentation | None) -> Tensor:
    """Decode, augment and normalise one image, uint8 ``[3, H, W]``."""
    result = image.float() / 255
    if draw.theta is not None:
        assert augmentation is not None and augmentation.affine is not None
        grid = functional.affine_grid(torch.tensor([draw.theta]), [1, *result.shape], align_corners=False)
        result = functional.grid_sample(result[None], grid, "bilinear", augmentation.affine.padding, align_corners=False)[0]
    elif draw.mirrored:
        result = result.flip(-1)
    if draw.colour is not None:
        saturation, gain, offset = draw.colour
        grey = LUMA[0] * result[0] + LUMA[1] * result[1] + LUMA[2] * result[2]
        result = grey + saturation * (result - grey)
        result = (result * gain + offset).clamp(0, 1)
    if draw.hole is not None:
        assert augmentation is not None and augmentation.cutout is not None
        x0, y0, x1, y1 = draw.hole
        result[:, y0:y1, x0:x1] = augmentation.cutout.fill
    return (result - _MEAN) / _STD


def prepare_batch(images: Tensor, draws: Draws | None, augmentation: Augmentation | None) -> Tensor:
    """Decode, augment and normalise a batch, uint8 ``[B, 3, H, W]``, each step by the op that says it."""
    height, width = images.shape[2:]
    result = images.float() / 255
    if draws is not None and augmentation is not None:
        if draws.forward is not None:
            assert augmentation.affine is not None
            grid = functional.affine_grid(theta_of(draws.forward, height, width), list(images.shape), align_corners=False)
            result = functional.grid_sample(result, grid, "bilinear", augmentation.affine.padding, align_corners=False)
        elif draws.mirrored is not None:
            result = torch.where(draws.mirrored[:, None, None, None], result.flip(-1), result)
        if draws.colour is not None:
            saturation, gain, offset = (part[:, None, None, None] for part in draws.colour.unbind(-1))
            grey = (LUMA[0] * result[:, 0] + LUMA[1] * result[:, 1] + LUMA[2] * result[:, 2])[:, None]
            result = grey + saturation * (result - grey)
            result = (result * gain + offset).clamp(0, 1)
        if draws.hole is not None:
            assert augmentation.cutout is not None
            x0, y0, x1, y1 = (part[:, None, None] for part in draws.hole.unbind(-1))
            y, x = torch.arange(height, device=images.device)[:, None], torch.arange(width, device=images.device)
            inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
            result = result.masked_fill(inside[:, None], augmentation.cutout.fill)
    return (result - _MEAN.to(images.device)) / _STD.to(images.device)


def theta_of(forward: Tensor, height: int, width: int) -> Tensor:
    """Pixel maps as ``affine_grid`` wants them, by matrices of rank 3."""
    last = torch.tensor([0.0, 0.0, 1.0], device=forward.device).expand(len(forward), 1, 3)
    to_pixel = torch.tensor([[width / 2, 0, (width - 1) / 2], [0, height / 2, (height - 1) / 2], [0, 0, 1]], device=forward.device)
    inverse = torch.linalg.inv(torch.cat([forward, last], 1))
    return (torch.linalg.inv(to_pixel) @ inverse @ to_pixel)[:, :2]
