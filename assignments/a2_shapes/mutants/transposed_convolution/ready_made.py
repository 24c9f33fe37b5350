"""Calls the function that is forbidden."""

import torch.nn.functional as F
from torch import Tensor


def transposed_convolution(features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    return F.conv_transpose2d(features, weight, stride=stride, padding=padding)
