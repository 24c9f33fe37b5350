"""Correlates the x coordinates alone."""

import torch


def shift_costs(first, second):
    count = first.shape[2]
    middle = first.mean(dim=2, keepdim=True)
    a, b = first - middle, second - middle
    size = (a.square() + b.square()).sum(dim=(1, 2))[:, None]

    correlation = torch.fft.irfft(torch.fft.rfft(a).conj() * torch.fft.rfft(b), n=count)[:, 0]
    return (size - 2 * correlation) / count
