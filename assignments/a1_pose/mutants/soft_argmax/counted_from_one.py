"""Numbers the pixels from one instead of from zero."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    blank = torch.isneginf(heatmaps).flatten(2).all(dim=-1)[..., None, None]
    heatmaps = heatmaps.masked_fill(blank, 0.0)
    weights = torch.exp(heatmaps - heatmaps.amax(dim=(2, 3), keepdim=True))
    share = weights / weights.sum(dim=(2, 3), keepdim=True)
    x = (share * torch.arange(1, width + 1, dtype=heatmaps.dtype)).sum(dim=(2, 3))
    y = (share * torch.arange(1, height + 1, dtype=heatmaps.dtype)[:, None]).sum(dim=(2, 3))
    return torch.stack((x, y), dim=-1)
