"""Conjugates the second transform instead of the first, and has the shifts in the other direction."""

import torch


def shift_costs(first, second):
    count = first.shape[2]
    middle = first.mean(dim=2, keepdim=True)
    a, b = first - middle, second - middle
    size = (a.square() + b.square()).sum(dim=(1, 2))[:, None]

    correlation = torch.fft.irfft(torch.fft.rfft(a) * torch.fft.rfft(b).conj(), n=count).sum(dim=1)
    return (size - 2 * correlation) / count
