"""Adds or takes away N once, and stops at the ends after that."""

import torch


def circular_conv(signal, weight, bias, stride=1):
    vertices, taps = signal.shape[2], weight.shape[2]
    place = torch.arange(0, vertices, stride)[:, None] + torch.arange(taps) - taps // 2
    place = torch.where(place < 0, place + vertices, place)
    place = torch.where(place >= vertices, place - vertices, place).clamp(0, vertices - 1)
    return torch.einsum("bcmt,oct->bom", signal[:, :, place], weight) + bias[:, None]
