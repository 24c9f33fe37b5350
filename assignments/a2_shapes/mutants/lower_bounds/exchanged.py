"""Both bounds, exchanged."""

import torch
from torch import Tensor


def lower_bounds(log_weights: Tensor) -> tuple[Tensor, Tensor]:
    return log_weights.logsumexp(dim=0) - torch.tensor(len(log_weights)).log(), log_weights.mean(dim=0)
