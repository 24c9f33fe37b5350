"""Lays the ring out often enough, and slides a window along it."""

import torch


def circular_conv(signal, weight, bias, stride=1):
    taps, side = weight.shape[2], weight.shape[2] // 2
    turns = side // signal.shape[2] + 1
    ring = signal.repeat(1, 1, 2 * turns + 1)
    start = turns * signal.shape[2] - side
    long = ring[:, :, start : start + signal.shape[2] + 2 * side]
    windows = long.unfold(2, taps, stride)
    return torch.einsum("oct,bcnt->bon", weight, windows) + bias[:, None]
