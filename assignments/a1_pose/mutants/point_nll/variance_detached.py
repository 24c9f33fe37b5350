"""Takes the variance out of the graph of the distance term."""

import math

import torch
from torch import Tensor


def point_nll(predicted: Tensor, log_variance: Tensor, target: Tensor, kind: str) -> Tensor:
    away = target - predicted
    if kind == "gaussian":
        each = 0.5 * (math.log(2 * math.pi) + log_variance + away.square() * torch.exp(-log_variance.detach()))
        return each.sum(dim=-1)
    each = 0.5 * (math.log(2) + log_variance) + math.sqrt(2) * away.abs() * torch.exp(-log_variance.detach() / 2)
    return each.sum(dim=-1)
