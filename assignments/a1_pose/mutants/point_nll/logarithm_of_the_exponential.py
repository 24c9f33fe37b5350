"""Makes the variance first and takes its logarithm afterwards: infinite for large ones."""

import math

import torch
from torch import Tensor


def point_nll(predicted: Tensor, log_variance: Tensor, target: Tensor, kind: str) -> Tensor:
    away = target - predicted
    if kind == "gaussian":
        variance = torch.exp(log_variance)
        each = 0.5 * (math.log(2 * math.pi) + torch.log(variance) + away.square() / variance)
        return each.sum(dim=-1)
    scale = torch.exp(log_variance).sqrt() / math.sqrt(2)
    each = torch.log(2 * scale) + away.abs() / scale
    return each.sum(dim=-1)
