"""The library's log-sum-exp."""

import math

import torch
from torch import Tensor


def lower_bounds(log_weights: Tensor) -> tuple[Tensor, Tensor]:
    return log_weights.mean(dim=0), torch.logsumexp(log_weights, dim=0) - math.log(len(log_weights))
