"""Continues the outline by its last vertex."""

import torch


def circular_conv(signal, weight, bias, stride=1):
    taps, side = weight.shape[2], weight.shape[2] // 2
    long = torch.cat((signal[:, :, :1].expand(-1, -1, side), signal, signal[:, :, -1:].expand(-1, -1, side)), dim=2)
    windows = long.unfold(2, taps, stride)
    return torch.einsum("oct,bcnt->bon", weight, windows) + bias[:, None]
