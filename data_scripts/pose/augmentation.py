"""Other pictures of the same people: mirrored, turned, scaled, moved and recoloured anew for each batch."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from data_scripts.pose.skeleton import MIRROR

MIRRORED_SHARE = 0.5
TURN_DEG = 12.0
SCALE_LOG = math.log(1.15)
SHIFT_PX = 6.0
TINT_LOG = 0.2
CONTRAST_LOG = 0.2
BRIGHTNESS = 18.0


def augmented(pictures: Tensor, joints: Tensor, visible: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures, joints and visibility after random changes, drawn for each picture.

    Args:
        pictures: float32 [B, 3, S, S], 0 to 255.
        joints: float32 [B, 17, 2], pixels, x then y.
        visible: bool [B, 17].
        generator: where draws come from.

    Returns:
        The same shapes. A joint that has left the image is not visible.
    """
    return (*moved(*mirrored(recoloured(pictures, generator), joints, visible, generator), generator),)


def recoloured(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures under another light: contrast, brightness, and each channel's strength."""
    contrast, brightness, tint = (_draw((len(pictures), n, 1, 1), generator) for n in (1, 1, 3))
    mean = pictures.mean((2, 3), keepdim=True)
    return ((pictures - mean) * torch.exp(CONTRAST_LOG * contrast) + mean + BRIGHTNESS * brightness) * torch.exp(TINT_LOG * tint)


def mirrored(pictures: Tensor, joints: Tensor, visible: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return some of the pictures seen in a mirror, where a right hand is a left one."""
    chosen = torch.rand(len(pictures), generator=generator) < MIRRORED_SHARE
    twin = list(MIRROR)
    across = joints.new_tensor([-1.0, 1.0]) * joints[:, twin] + joints.new_tensor([pictures.shape[3] - 1.0, 0.0])
    return (
        torch.where(chosen[:, None, None, None], pictures.flip(3), pictures),
        torch.where(chosen[:, None, None], across, joints),
        torch.where(chosen[:, None], visible[:, twin], visible),
    )


def moved(pictures: Tensor, joints: Tensor, visible: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures turned and scaled about their middle and shifted; what comes in from outside is the picture's reflection."""
    size = pictures.shape[3]
    middle = (size - 1) / 2
    turn, scale, shift = (_draw((len(pictures), n), generator) for n in (1, 1, 2))
    angle, factor = torch.deg2rad(TURN_DEG * turn), torch.exp(SCALE_LOG * scale)
    cos, sin = factor * torch.cos(angle), factor * torch.sin(angle)
    matrix = torch.stack([torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)], 1)  # [B, 2, 2]
    shift = SHIFT_PX * shift[:, None]  # [B, 1, 2]
    joints = (joints - middle) @ matrix.transpose(1, 2) + middle + shift
    # the grid asks where each new pixel comes from, in half images from the middle: the way back.
    back = torch.linalg.inv(matrix)
    theta = torch.cat([back, -back @ shift.transpose(1, 2) / (size / 2)], 2)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    pictures = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return pictures, joints, visible & ((joints >= -0.5) & (joints < size - 0.5)).all(-1)


def _draw(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return numbers between -1 and 1."""
    return 2 * torch.rand(shape, generator=generator) - 1
