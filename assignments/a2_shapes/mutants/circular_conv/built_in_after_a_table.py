"""Lays the ring out and leaves the sums to torch."""

import torch
import torch.nn.functional as F


def circular_conv(signal, weight, bias, stride=1):
    side = weight.shape[2] // 2
    place = torch.arange(-side, signal.shape[2] + side) % signal.shape[2]
    return F.conv1d(signal[:, :, place], weight, bias, stride=stride)
