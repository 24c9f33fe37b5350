"""Clamps the log-variance between -10 and 10, with no gradient beyond."""

import math

import torch
from torch import Tensor


def point_nll(predicted: Tensor, log_variance: Tensor, target: Tensor, kind: str) -> Tensor:
    away = target - predicted
    if kind == "gaussian":
        log_variance = log_variance.clamp(-10, 10)
        each = 0.5 * (math.log(2 * math.pi) + log_variance + away.square() * torch.exp(-log_variance))
        return each.sum(dim=-1)
    log_variance = log_variance.clamp(-10, 10)
    each = 0.5 * (math.log(2) + log_variance) + math.sqrt(2) * away.abs() * torch.exp(-log_variance / 2)
    return each.sum(dim=-1)
