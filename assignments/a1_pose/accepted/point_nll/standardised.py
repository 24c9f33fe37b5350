"""Divides the distance by the standard deviation first."""

import math

import torch
from torch import Tensor


def point_nll(predicted: Tensor, log_variance: Tensor, target: Tensor, kind: str) -> Tensor:
    away = target - predicted
    if kind == "gaussian":
        standard = away * torch.exp(-log_variance / 2)
        return (standard.square() + log_variance).sum(dim=-1) / 2 + math.log(2 * math.pi)
    standard = away * torch.exp(-log_variance / 2)
    return (math.sqrt(2) * standard.abs() + log_variance / 2).sum(dim=-1) + math.log(2)
