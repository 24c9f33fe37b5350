"""Weighs every shape by what the later ones let through."""

import torch
from torch import Tensor


def paint(coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
    clear = 1 - coverages.flip(1)
    ones = torch.ones_like(background[:, :1])
    through = torch.cat([ones, clear], dim=1).cumprod(dim=1)
    seen = coverages * through[:, :-1].flip(1)
    return torch.einsum("bshw,bsc->bchw", seen, fills) + through[:, -1:] * background
