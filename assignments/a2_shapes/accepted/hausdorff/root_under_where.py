"""Takes the root of what is greater than zero alone."""

import torch


def hausdorff(first, second, first_mask, second_mask):
    first = torch.where(first_mask[:, None], first, 0.0)
    second = torch.where(second_mask[:, None], second, 0.0)
    table = (first[:, :, :, None] - second[:, :, None]).square().sum(dim=1)
    some = (first_mask.any(dim=1) & second_mask.any(dim=1))[:, None]
    ways = []
    for axis, goal, mask in ((2, second_mask[:, None], first_mask), (1, first_mask[:, :, None], second_mask)):
        nearest = torch.where(goal, table, torch.inf).amin(dim=axis)
        farthest = torch.where(mask & some, nearest, 0.0).amax(dim=1)
        positive = farthest > 0
        ways.append(torch.where(positive, torch.where(positive, farthest, 1.0).sqrt(), 0.0))
    return tuple(ways)
