"""Conditions on one visible coordinate after the other, as a Kalman filter does."""

import torch
from torch import Tensor


def fill_in(joints: Tensor, visible: Tensor, mean: Tensor, covariance: Tensor, jitter: float) -> tuple[Tensor, Tensor]:
    means, spreads = [], []
    for person, seen in zip(joints, visible):
        now, spread = mean.flatten(), covariance
        given = person.flatten()
        for k in torch.nonzero(seen.repeat_interleave(2)).flatten().tolist():
            gain = spread[:, k] / (spread[k, k] + jitter)
            now = now + gain * (given[k] - now[k])
            spread = spread - torch.outer(gain, spread[k])
        hidden = ~seen.repeat_interleave(2)
        means.append(torch.where(hidden, now, given).reshape(mean.shape))
        spreads.append(torch.where(hidden[:, None] & hidden, spread, torch.zeros_like(spread)))
    if not means:
        return joints.new_zeros(0, *mean.shape), joints.new_zeros(0, mean.numel(), mean.numel())
    return torch.stack(means), torch.stack(spreads)
