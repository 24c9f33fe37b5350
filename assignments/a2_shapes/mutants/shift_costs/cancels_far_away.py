"""Does not move the polygons to the origin before it expands the square."""

import torch


def shift_costs(first, second):
    count = first.shape[2]
    correlation = torch.fft.irfft(torch.fft.rfft(first).conj() * torch.fft.rfft(second), n=count).sum(dim=1)
    return ((first.square() + second.square()).sum(dim=(1, 2))[:, None] - 2 * correlation) / count
