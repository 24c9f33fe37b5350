"""Lets torch spread where it should gather: its transposed convolution with the kernel turned round."""

import torch


def circular_conv(signal, weight, bias, stride=1):
    vertices, taps = signal.shape[2], weight.shape[2]
    place = torch.arange(-(taps // 2), vertices + taps // 2) % vertices
    full = torch.conv_transpose1d(signal[:, :, place], weight.flip(2).transpose(0, 1), bias)
    return full[:, :, taps - 1 : taps - 1 + vertices][:, :, ::stride]
