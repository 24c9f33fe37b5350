"""Searches without gradients, and measures the best alignment with them."""

import torch


def cyclic_distance(first, second):
    count = first.shape[2]
    with torch.no_grad():
        costs = torch.stack([(first - second.roll(-shift, 2)).square().sum(dim=(1, 2)) for shift in range(count)], dim=1)
        shift = costs.argmin(dim=1)
    place = (torch.arange(count) + shift[:, None]) % count
    rolled = torch.gather(second, 2, place[:, None].expand(-1, 2, -1))
    return torch.sum((first - rolled) ** 2, dim=1).mean(dim=1)
