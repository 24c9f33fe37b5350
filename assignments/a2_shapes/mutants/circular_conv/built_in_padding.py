"""Leaves the sums to torch's layer, with its circular padding."""

import torch
from torch import nn


def circular_conv(signal, weight, bias, stride=1):
    outputs, inputs, taps = weight.shape
    layer = nn.Conv1d(inputs, outputs, taps, stride=stride, padding=taps // 2, padding_mode="circular").to(signal.dtype)
    return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (signal,))
