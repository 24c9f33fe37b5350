"""Gathers each joint from its twin, then turns the width around."""

import torch
from torch import Tensor


def flip_average(maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
    exchanged = torch.stack([mirrored[:, other] for other in twin.tolist()], dim=1)
    return torch.stack((maps, torch.fliplr(exchanged.movedim(-1, 1)).movedim(1, -1))).mean(dim=0)
