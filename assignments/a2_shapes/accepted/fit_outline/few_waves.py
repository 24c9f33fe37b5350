"""Descends on the first waves around the outline in place of vertices, and keeps the vertices' steps short."""

import math

import torch
from torch import Tensor

from vislab.geometry.outlines import signed_distance


def fit_outline(pictures: Tensor, centres: Tensor, start: Tensor, *, steps: int, seed: int, weight: float = 0.3) -> Tensor:
    turn = torch.arange(start.shape[1], dtype=start.dtype) * (2 * math.pi / start.shape[1])
    waves = torch.stack([torch.ones_like(turn)] + [wave(k * turn) for k in range(1, 8) for wave in (torch.cos, torch.sin)])
    heights = torch.zeros(len(pictures), 2, len(waves), dtype=start.dtype, requires_grad=True)
    optimiser = torch.optim.Adam([heights], lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        outlines = start + heights @ waves
        drawn = torch.sigmoid(-signed_distance(centres, outlines) / (0.1 * 0.3 ** (step / steps)))
        misfit = (drawn.view_as(pictures) - pictures).square().mean(dim=(1, 2, 3))
        length = (outlines - outlines.roll(1, dims=2)).square().sum(dim=1).mean(dim=1)
        optimiser.zero_grad()
        (misfit + weight * length).sum().backward()
        optimiser.step()
        schedule.step()
    return (start + heights @ waves).detach()
