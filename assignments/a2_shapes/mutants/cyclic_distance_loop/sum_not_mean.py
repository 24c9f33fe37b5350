"""Adds the squared distances up instead of averaging them."""

import torch


def cyclic_distance_loop(first, second):
    return torch.stack([(first - second.roll(-shift, dims=1)).square().sum() for shift in range(first.shape[1])]).min()
