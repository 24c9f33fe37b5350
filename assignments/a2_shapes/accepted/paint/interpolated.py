"""Interpolates by lerp, channel by channel."""

import torch
from torch import Tensor


def paint(coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
    channels = []
    for c in range(3):
        channel = background[:, c]
        for cover, fill in zip(coverages.unbind(1), fills[:, :, c].unbind(1)):
            channel = torch.lerp(channel, fill[:, None, None].expand_as(channel), cover)
        channels.append(channel)
    return torch.stack(channels, dim=1)
