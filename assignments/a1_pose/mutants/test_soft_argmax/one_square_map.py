"""Compares with the shipped op on one square map, one person, ordinary logits."""

import torch

from vislab.ops.soft_argmax import soft_argmax


def test_soft_argmax(impl):
    maps = torch.randn(1, 1, 8, 8)
    torch.testing.assert_close(impl(maps), soft_argmax(maps), atol=1e-4, rtol=0)
