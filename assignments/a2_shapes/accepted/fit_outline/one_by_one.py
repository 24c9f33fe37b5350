"""One outline after the other, edges kept short, by RMSprop on a falling rate."""

import torch
from torch import Tensor

from vislab.geometry.outlines import signed_distance


def fit_outline(pictures: Tensor, centres: Tensor, start: Tensor, *, steps: int, seed: int, weight: float = 0.3) -> Tensor:
    fitted = []
    # all of them share the budget of optimiser steps, so the optimiser is written out.
    for picture in pictures.flatten(1):
        outline, size = start.clone(), torch.zeros_like(start)
        for step in range(steps):
            outline.requires_grad_(True)
            drawn = torch.sigmoid(-signed_distance(centres, outline[None])[0] / max(0.12 * (1 - step / steps), 0.03))
            edge = outline - outline.roll(1, dims=1)
            loss = ((drawn - picture) ** 2).mean() + weight * (edge**2).sum() / edge.shape[1]
            (slope,) = torch.autograd.grad(loss, outline)
            size = 0.95 * size + 0.05 * slope**2
            rate = 0.01 if step < 0.75 * steps else 0.003
            outline = outline.detach() - rate * slope / (size.sqrt() + 1e-8)
        fitted.append(outline)
    return torch.stack(fitted)
