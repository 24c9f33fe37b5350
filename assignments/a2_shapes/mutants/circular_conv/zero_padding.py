"""Sees zeros beyond the first and the last vertex."""

import torch
import torch.nn.functional as F


def circular_conv(signal, weight, bias, stride=1):
    taps, side = weight.shape[2], weight.shape[2] // 2
    long = F.pad(signal, (side, side))
    windows = long.unfold(2, taps, stride)
    return torch.einsum("oct,bcnt->bon", weight, windows) + bias[:, None]
