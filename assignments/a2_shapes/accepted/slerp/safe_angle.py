"""A harmless angle where there is no arc."""

import torch
from torch import Tensor


def slerp(first: Tensor, second: Tensor, t: float) -> Tensor:
    length = first.square().sum(dim=1) * second.square().sum(dim=1)
    length = torch.where(length > 0, length, 1.0).sqrt() * (length > 0)
    cosine = (first * second).sum(dim=1) / torch.where(length > 0, length, 1.0)
    line = (cosine.abs() > 1 - 1e-5) | (length == 0)
    angle = torch.acos(torch.where(line, 0.5, cosine))
    left = torch.where(line, 1 - t, torch.sin((1 - t) * angle) / torch.sin(angle))
    right = torch.where(line, t, torch.sin(t * angle) / torch.sin(angle))
    return left[:, None] * first + right[:, None] * second
