"""Turns by guarded singular value decompositions, shape by shape."""

import torch


def generalised_mean(shapes, rounds):
    units = []
    for shape in shapes:
        shape = shape - shape.mean(1, keepdim=True)
        units.append(shape / shape.norm() if shape.norm() > 0 else shape)
    mean = units[0]
    costs = []
    for _ in range(rounds):
        for number, unit in enumerate(units):
            u, _, vh = torch.linalg.svd(mean @ unit.T)
            guard = torch.diag(torch.tensor([1.0, float(torch.det(u @ vh).sign())], dtype=shapes.dtype))
            units[number] = u @ guard @ vh @ unit
        mean = torch.stack(units).sum(0)
        mean = mean / mean.norm()
        costs.append(sum((unit - mean).pow(2).sum() for unit in units))
    return mean, torch.stack(costs)
