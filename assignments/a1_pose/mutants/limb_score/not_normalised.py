"""Leaves the direction as long as the limb, so that long pairs win."""

import torch
import torch.nn.functional as F
from torch import Tensor


def limb_score(field: Tensor, starts: Tensor, ends: Tensor, samples: int) -> Tensor:
    height, width = field.shape[1:]
    share = torch.linspace(0, 1, samples, dtype=field.dtype)[:, None]
    away = ends[None] - starts[:, None]  # [M, N, 2]
    places = starts[:, None, None] + share * away[:, :, None]  # [M, N, S, 2]
    grid = (2 * places + 1) / torch.tensor([width, height]) - 1
    found = F.grid_sample(field[None], grid.flatten(0, 1)[None], padding_mode="zeros", align_corners=False)
    vectors = found[0].movedim(0, -1).unflatten(0, away.shape[:2])  # [M, N, S, 2]
    return (vectors * away[:, :, None]).sum(dim=-1).mean(dim=-1)
