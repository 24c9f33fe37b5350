"""Computes in float32, whatever comes in."""

import torch


def shift_costs(first, second):
    count = first.shape[2]
    middle = first.mean(dim=2, keepdim=True)
    a, b = (first - middle).float(), (second - middle).float()
    correlation = torch.fft.irfft(torch.fft.rfft(a).conj() * torch.fft.rfft(b), n=count).sum(dim=1)
    return (((a.square() + b.square()).sum(dim=(1, 2))[:, None] - 2 * correlation) / count).to(first.dtype)
