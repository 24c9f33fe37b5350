"""Moves the centre by the mean influence over the mean weight, and uses medians and top-k."""

import math

import torch
from torch import Tensor


def robust_centre(samples: Tensor, kind: str, delta: float = 1.0, share: float = 0.125) -> Tensor:
    count = samples.shape[-1]
    # of an even number, median() gives the lower middle one: the upper one is the lower one of the negatives.
    middle = (samples.median(dim=-1).values - (-samples).median(dim=-1).values) / 2
    if kind == "median":
        return middle
    if kind == "trimmed":
        cut = math.floor(share * count)
        lower = samples.topk(count - cut, dim=-1, largest=False).values
        return lower.topk(count - 2 * cut, dim=-1).values.mean(dim=-1)
    centre = middle
    for _ in range(150):
        away = samples - centre[..., None]
        if kind == "huber":
            influence = away.clamp(-delta, delta)
            weight = torch.where(away.abs() > delta, delta / away.abs(), 1.0)
        else:
            weight = (1 + (away / delta) ** 2) ** -2
            influence = weight * away
        centre = centre + influence.sum(dim=-1) / weight.sum(dim=-1)
    return centre
