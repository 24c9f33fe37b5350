"""Turns and moves, but does not scale."""

import torch


def cyclic_procrustes(source, target):
    if len(source) == 0:
        return source.clone(), torch.zeros(0, dtype=torch.int64)
    middle, goal = source.mean(dim=2, keepdim=True), target.mean(dim=2, keepdim=True)
    x, y = (torch.complex(*part.unbind(dim=1)) for part in (source - middle, target - goal))
    size = x.abs().square().sum(dim=1)
    # products[k] = sum over n of conj(x[n + k]) y[n].
    products = torch.fft.ifft(torch.fft.fft(x) * torch.fft.fft(y).conj()).conj()
    shift = products.abs().argmax(dim=1)
    factor = products.gather(1, shift[:, None]) / torch.where(size > 0, size, 1.0)[:, None]
    factor = factor / factor.abs().clamp(min=1e-30)
    place = (torch.arange(x.shape[1]) + shift[:, None]) % x.shape[1]
    return torch.view_as_real(factor * x.gather(1, place)).mT + goal, shift
