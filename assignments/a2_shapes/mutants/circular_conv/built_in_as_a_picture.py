"""Calls the outline a picture one pixel high, and leaves the sums to torch."""

import torch


def circular_conv(signal, weight, bias, stride=1):
    side = weight.shape[2] // 2
    place = torch.arange(-side, signal.shape[2] + side) % signal.shape[2]
    return torch.conv2d(signal[:, :, None, place], weight[:, :, None], bias, stride=(1, stride))[:, :, 0]
