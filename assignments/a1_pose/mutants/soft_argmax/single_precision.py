"""Computes in float32 and gives the answer the dtype of the maps."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    logits = heatmaps.float()
    logits = logits.masked_fill(torch.isneginf(logits).flatten(2).all(dim=-1)[..., None, None], 0.0)
    weights = torch.exp(logits - logits.amax(dim=(2, 3), keepdim=True))
    share = weights / weights.sum(dim=(2, 3), keepdim=True)
    x = (share * torch.arange(width)).sum(dim=(2, 3))
    y = (share * torch.arange(height)[:, None]).sum(dim=(2, 3))
    return torch.stack((x, y), dim=-1).to(heatmaps.dtype)
