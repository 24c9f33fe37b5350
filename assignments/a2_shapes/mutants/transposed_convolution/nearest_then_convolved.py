"""Repeats every number and convolves."""

import torch.nn.functional as F
from torch import Tensor


def transposed_convolution(features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    rows, columns = weight.shape[2:]
    bigger = features.repeat_interleave(stride, dim=2).repeat_interleave(stride, dim=3)
    bigger = bigger[:, :, : bigger.shape[2] - stride + 1, : bigger.shape[3] - stride + 1]
    full = F.conv2d(bigger, weight.flip(2, 3).transpose(0, 1), padding=(rows - 1, columns - 1))
    return full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]
