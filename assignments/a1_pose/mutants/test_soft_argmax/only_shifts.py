"""Asks only that a constant changes nothing, which holds for many wrong answers."""

import torch


def test_soft_argmax(impl):
    for shape in ((2, 3, 5, 8), (1, 1, 1, 1), (0, 3, 5, 8)):
        maps = torch.randn(shape)
        torch.testing.assert_close(impl(maps + 300.0), impl(maps), atol=1e-2, rtol=0)
