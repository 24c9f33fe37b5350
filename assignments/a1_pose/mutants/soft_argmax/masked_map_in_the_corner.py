"""Answers the first pixel where nothing is allowed, instead of the middle."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    peak = heatmaps.amax(dim=(2, 3), keepdim=True).detach().clamp(min=-1e30)
    weights = torch.exp(heatmaps - peak)
    share = weights / weights.sum(dim=(2, 3), keepdim=True).clamp(min=1e-30)
    x = (share * torch.arange(width, dtype=heatmaps.dtype)).sum(dim=(2, 3))
    y = (share * torch.arange(height, dtype=heatmaps.dtype)[:, None]).sum(dim=(2, 3))
    return torch.stack((x, y), dim=-1)
