"""Goes to the function that torch's own convolution rests on."""

import torch


def circular_conv(signal, weight, bias, stride=1):
    taps = weight.shape[2]
    place = torch.arange(-(taps // 2), signal.shape[2] + taps // 2) % signal.shape[2]
    return torch._C._nn.thnn_conv2d(signal[:, :, None, place], weight[:, :, None], (1, taps), bias, (1, stride))[:, :, 0]
