"""Normalises in the log domain and lets einsum take the expectation."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    batch, joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(batch, joints, height * width)
    masked = (flat == -torch.inf).all(dim=-1, keepdim=True)
    flat = flat.masked_fill(masked, 0.0)
    share = torch.exp(flat - torch.logsumexp(flat, dim=-1, keepdim=True)).reshape(batch, joints, height, width)
    x = torch.einsum("bjhw,w->bj", share, torch.arange(width).to(share))
    y = torch.einsum("bjhw,h->bj", share, torch.arange(height).to(share))
    return torch.stack((x, y), dim=-1)
