"""Writes the transform as a matrix of cosines and sines."""

import math

import torch


def shift_costs(first, second):
    count = first.shape[2]
    middle = first.mean(dim=2, keepdim=True)
    first, second = first - middle, second - middle
    step = torch.arange(count, dtype=torch.int64)
    angle = 2 * math.pi * (step * step[:, None] % count).to(first.dtype) / count
    cosine, sine = angle.cos(), angle.sin()
    ac, as_, bc, bs = first @ cosine, first @ sine, second @ cosine, second @ sine
    even, odd = ac * bc + as_ * bs, ac * bs - as_ * bc
    correlation = (even @ cosine + odd @ sine).sum(dim=1) / count
    return ((first.square() + second.square()).sum(dim=(1, 2))[:, None] - 2 * correlation) / count
