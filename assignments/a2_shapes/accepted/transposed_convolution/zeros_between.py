"""Puts zeros between the numbers and convolves with the kernel turned round."""

import torch.nn.functional as F
from torch import Tensor


def transposed_convolution(features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    batch, channels, height, width = features.shape
    rows, columns = weight.shape[2:]
    apart = features.new_zeros(batch, channels, (height - 1) * stride + 1, (width - 1) * stride + 1)
    apart[:, :, ::stride, ::stride] = features
    full = F.conv2d(apart, weight.flip(2, 3).transpose(0, 1), padding=(rows - 1, columns - 1))
    return full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]
