"""Overwrites where patches overlap."""

import torch
from torch import Tensor


def transposed_convolution(features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    batch, _, height, width = features.shape
    _, out, rows, columns = weight.shape
    full = features.new_zeros(batch, out, (height - 1) * stride + rows, (width - 1) * stride + columns)
    for row in range(rows):
        for column in range(columns):
            part = torch.einsum("bchw,cd->bdhw", features, weight[:, :, row, column])
            full[:, :, row : row + stride * (height - 1) + 1 : stride, column : column + stride * (width - 1) + 1 : stride] = part
    return full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]
