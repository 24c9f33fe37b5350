"""Over outlines, not over samples."""

import torch
from torch import Tensor


def lower_bounds(log_weights: Tensor) -> tuple[Tensor, Tensor]:
    return log_weights.mean(dim=1), log_weights.logsumexp(dim=1) - torch.tensor(log_weights.shape[1]).log()
