"""Draws the outside."""

import torch
from torch import Tensor

from vislab.geometry.outlines import signed_distance


def fit_outline(pictures: Tensor, centres: Tensor, start: Tensor, *, steps: int, seed: int, weight: float = 1.0) -> Tensor:
    outlines = start.repeat(len(pictures), 1, 1).requires_grad_(True)
    optimiser = torch.optim.Adam([outlines], lr=0.02)
    for step in range(steps):
        drawn = torch.sigmoid(signed_distance(centres, outlines) / (0.1 * 0.3 ** (step / steps)))
        misfit = (drawn - pictures.flatten(1)).square().mean(dim=1)
        bend = outlines.roll(1, dims=2) + outlines.roll(-1, dims=2) - 2 * outlines
        loss = (misfit + weight * bend.square().sum(dim=1).mean(dim=1)).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return outlines.detach()
