"""Plain gradient steps with momentum, one temperature throughout, and edges kept short beside vertices kept even."""

import torch
from torch import Tensor

from vislab.geometry.outlines import signed_distance


def fit_outline(pictures: Tensor, centres: Tensor, start: Tensor, *, steps: int, seed: int, weight: float = 1.0) -> Tensor:
    outlines = torch.nn.Parameter(start.expand(len(pictures), *start.shape).clone())
    optimiser = torch.optim.SGD([outlines], lr=0.5, momentum=0.9)
    for _ in range(steps):
        drawn = torch.sigmoid(-signed_distance(centres, outlines) / 0.06).unflatten(1, pictures.shape[2:])
        before, after = outlines.roll(1, dims=2), outlines.roll(-1, dims=2)
        uneven = (before + after - 2 * outlines).square().sum(dim=1).mean(dim=1)
        length = (after - outlines).square().sum(dim=1).mean(dim=1)
        loss = (drawn - pictures[:, 0]).square().mean(dim=(1, 2)) + weight * uneven + 0.1 * length
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
    return outlines.data
