"""Asks only that a roll of the outline rolls the answer."""

import torch


def test_circular_conv(impl):
    signal, weight, bias = torch.randn(3, 2, 9), torch.randn(4, 2, 3), torch.randn(4)
    torch.testing.assert_close(impl(signal.roll(2, 2), weight, bias), impl(signal, weight, bias).roll(2, 2), rtol=1e-5, atol=1e-5)
