"""Counts logits from the floor, where it cannot overflow, and from the top where it can."""

import torch
from torch import Tensor


def integral_bias(heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    height, width = heatmaps.shape[2:]
    up = heatmaps - floor[..., None, None]
    flat = (up == 0).all(-1, keepdim=True).all(-2, keepdim=True)
    up = torch.where(flat, 0.0, up)
    top = up.amax(dim=(2, 3), keepdim=True)
    small = top < 20
    # exp(up) - 1, both over exp(top) where that would overflow.
    rise = torch.where(small, torch.expm1(up.clamp(max=20)), torch.exp(up - top) - torch.exp(-top))
    ground = height * width * torch.where(small, 1.0, torch.exp(-top))[..., 0, 0]
    risen = rise.sum(dim=(2, 3))
    columns = rise.sum(dim=2) @ torch.arange(width, dtype=heatmaps.dtype)
    rows = rise.sum(dim=3) @ torch.arange(height, dtype=heatmaps.dtype)
    position = torch.stack((columns, rows), dim=-1) / (risen + flat[..., 0, 0])[..., None]
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=heatmaps.dtype)
    bias = (ground / (ground + risen))[..., None] * (middle - position)
    return bias.masked_fill(flat[..., 0], 0.0), risen / (ground + risen)
