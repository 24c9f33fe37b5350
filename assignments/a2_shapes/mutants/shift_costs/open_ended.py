"""Pads with zeros, as if the polygons were open."""

import torch


def shift_costs(first, second):
    count = first.shape[2]
    middle = first.mean(dim=2, keepdim=True)
    a, b = first - middle, second - middle
    size = (a.square() + b.square()).sum(dim=(1, 2))[:, None]

    spectrum = torch.fft.rfft(a, n=2 * count).conj() * torch.fft.rfft(b, n=2 * count)
    correlation = torch.fft.irfft(spectrum, n=2 * count)[..., :count].sum(dim=1)
    return (size - 2 * correlation) / count
