"""Tries every start with a decomposition of its own."""

import torch


def cyclic_procrustes(source, target):
    p, q = source.mean(dim=2, keepdim=True), target.mean(dim=2, keepdim=True)
    x, y = source - p, target - q
    size = x.square().sum(dim=(1, 2)).clamp(min=1e-30)
    best, fit, start = None, None, None
    for shift in range(source.shape[2]):
        rolled = x.roll(-shift, dims=2)
        cross = y @ rolled.mT
        # the best rotation of the plane has this cosine and sine, up to their common factor.
        a, b = cross[:, 0, 0] + cross[:, 1, 1], cross[:, 1, 0] - cross[:, 0, 1]
        turn = torch.stack((a, -b, b, a), dim=1).reshape(-1, 2, 2) / size[:, None, None]
        tried = turn @ rolled + q
        cost = (tried - target).square().sum(dim=(1, 2)).detach()
        if best is None:
            best, fit, start = cost, tried, torch.zeros(len(source), dtype=torch.int64)
        else:
            better = cost < best
            best = torch.where(better, cost, best)
            fit = torch.where(better[:, None, None], tried, fit)
            start = torch.where(better, shift, start)
    return fit, start
