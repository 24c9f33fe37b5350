"""Compares with torch's circular padding, which refuses a kernel longer than the outline: the test never asks for one."""

import torch
from torch import nn


def test_circular_conv(impl):
    for stride in (1, 3):
        for dtype in (torch.float32, torch.float64):
            layer = nn.Conv1d(2, 4, 5, stride=stride, padding=2, padding_mode="circular").to(dtype)
            signal = torch.randn(3, 2, 11, dtype=dtype)
            with torch.no_grad():
                near = 1e-5 if dtype == torch.float32 else 1e-11
                torch.testing.assert_close(
                    impl(signal, layer.weight.detach(), layer.bias.detach(), stride), layer(signal), rtol=near, atol=near
                )
