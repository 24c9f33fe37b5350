"""The angle of the first pair for all."""

import torch
from torch import Tensor


def slerp(first: Tensor, second: Tensor, t: float) -> Tensor:
    length = first.norm(dim=1) * second.norm(dim=1)
    cosine = (first * second).sum(dim=1) / torch.where(length > 0, length, 1.0)
    cosine = cosine[:1].expand(len(cosine))
    line = (cosine.abs() > 1 - 1e-5) | (length == 0)
    angle = torch.acos(torch.where(line, 0.5, cosine))
    left = torch.where(line, 1 - t, torch.sin((1 - t) * angle) / torch.sin(angle))
    right = torch.where(line, t, torch.sin(t * angle) / torch.sin(angle))
    return left[:, None] * first + right[:, None] * second
