"""Starts from black."""

import torch
from torch import Tensor


def paint(coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
    picture = torch.zeros_like(background)
    for s in range(coverages.shape[1]):
        share, colour = coverages[:, s, None], fills[:, s, :, None, None]
        picture = share * colour + (1 - share) * picture
    return picture
