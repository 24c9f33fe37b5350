"""One transform of complex numbers, after a move to the middle of the first."""

import torch


def shift_costs(first, second):
    # the transform refuses an empty batch.
    if len(first) == 0:
        return first.sum(dim=1) + second.sum(dim=1)
    middle = first.mean(dim=2, keepdim=True)
    a, b = (torch.complex(*(part - middle).unbind(dim=1)) for part in (first, second))
    correlation = torch.fft.ifft(torch.fft.fft(a).conj() * torch.fft.fft(b)).real
    size = (a.abs().square() + b.abs().square()).sum(dim=1, keepdim=True)
    return (size - 2 * correlation) / first.shape[2]
