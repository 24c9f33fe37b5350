"""Bilinear weights as products of tents, and one einsum over the whole map."""

import torch
from torch import Tensor


def limb_score(field: Tensor, starts: Tensor, ends: Tensor, samples: int) -> Tensor:
    height, width = field.shape[1:]
    away = ends.unsqueeze(0) - starts.unsqueeze(1)
    steps = torch.arange(samples, dtype=field.dtype) / (samples - 1)
    x, y = (starts[:, None, None] + steps[:, None] * away[:, :, None]).unbind(dim=-1)
    across = (1 - (x[..., None] - torch.arange(width)).abs()).clamp(min=0)
    down = (1 - (y[..., None] - torch.arange(height)).abs()).clamp(min=0)
    integral = torch.einsum("chw,mnsh,mnsw->mnc", field, down, across) / samples
    length = torch.hypot(away[..., 0], away[..., 1])
    along = (integral * away).sum(dim=-1)
    return torch.where(length > 0, along / length.clamp(min=torch.finfo(field.dtype).tiny), torch.zeros_like(along))
