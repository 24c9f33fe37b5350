"""One list of samples after the other, until the centre moves no more."""

import torch
from torch import Tensor


def robust_centre(samples: Tensor, kind: str, delta: float = 1.0, share: float = 0.125) -> Tensor:
    found = [centre_of(line, kind, delta, share) for line in samples.reshape(-1, samples.shape[-1])]
    return torch.stack(found).reshape(samples.shape[:-1]) if found else samples.new_zeros(samples.shape[:-1])


def centre_of(line: Tensor, kind: str, delta: float, share: float) -> Tensor:
    ordered = line[torch.argsort(line)]
    count = len(line)
    centre = ordered[count // 2] if count % 2 else ordered[count // 2 - 1 : count // 2 + 1].mean()
    if kind == "median":
        return centre
    if kind == "trimmed":
        cut = int(share * count)
        return ordered[cut : count - cut].sum() / (count - 2 * cut)
    for _ in range(200):
        square = ((line - centre) / delta).square()
        weight = square.clamp(min=1).rsqrt() if kind == "huber" else (1 + square).pow(-2)
        centre = torch.dot(weight, line) / weight.sum()
    return centre
