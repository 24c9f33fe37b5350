"""Takes the answer for the gradient of a convolution, which torch has ready as well."""

import torch
from torch.nn.grad import conv1d_weight


def circular_conv(signal, weight, bias, stride=1):
    vertices, taps = signal.shape[2], weight.shape[2]
    place = torch.arange(-(taps // 2), vertices + taps // 2) % vertices
    ring = signal[:, :, place].transpose(0, 1)
    total = conv1d_weight(ring, [len(weight), len(signal), vertices], weight.transpose(0, 1))
    return (total.transpose(0, 1) + bias[:, None])[:, :, ::stride]
