"""Looks at shape and dtype."""

import torch


def test_circular_conv(impl):
    for dtype in (torch.float32, torch.float64):
        got = impl(torch.randn(3, 2, 11, dtype=dtype), torch.randn(4, 2, 3, dtype=dtype), torch.randn(4, dtype=dtype), 2)
        assert got.shape == (3, 4, 6) and got.dtype == dtype
