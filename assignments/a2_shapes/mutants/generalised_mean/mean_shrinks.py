"""Does not bring the mean back to size 1."""

import torch


def generalised_mean(shapes, rounds):
    units = torch.complex(*(shapes - shapes.mean(dim=2, keepdim=True)).unbind(dim=1))
    size = units.abs().square().sum(dim=1, keepdim=True).sqrt()
    units = units / torch.where(size > 0, size, 1.0)
    mean, costs = units[0], []
    for _ in range(rounds):
        products = (units.conj() * mean).sum(dim=1, keepdim=True)
        length = products.abs()
        turned = units * products / torch.where(length > 0, length, 1.0)
        mean = turned.mean(dim=0)
        costs.append((turned - mean).abs().square().sum())
    return torch.view_as_real(mean).T, torch.stack(costs)
