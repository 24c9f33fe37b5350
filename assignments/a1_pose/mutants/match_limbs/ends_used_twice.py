"""Gives every start its best end, whoever else has it."""

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    if scores.shape[1] == 0:
        return torch.full((len(scores),), -1)
    best = scores.max(dim=1)
    return torch.where(best.values > minimum, best.indices, -1)
