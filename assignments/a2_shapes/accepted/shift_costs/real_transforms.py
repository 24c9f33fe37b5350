"""Transforms x and y on their own, each around a middle of its polygon, and adds the distance of the middles."""

import torch


def shift_costs(first, second):
    count = first.shape[2]
    if not first.numel():
        return first.new_zeros(len(first), count)
    p, q = first.mean(dim=2, keepdim=True), second.mean(dim=2, keepdim=True)
    a, b = first - p, second - q
    spectrum = torch.conj(torch.fft.rfft(a, dim=2)) * torch.fft.rfft(b, dim=2)
    correlation = torch.fft.irfft(spectrum, n=count, dim=2).sum(dim=1)
    size = a.square().sum(dim=(1, 2)) + b.square().sum(dim=(1, 2))
    return (size[:, None] - 2 * correlation) / count + (p - q).square().sum(dim=1)
