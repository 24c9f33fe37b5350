"""Compares with the shipped op on ordinary maps of several shapes, and on nothing that is special."""

import torch

from vislab.ops.soft_argmax import soft_argmax


def test_soft_argmax(impl):
    for shape in ((2, 3, 5, 8), (1, 4, 9, 6), (3, 1, 4, 11)):
        maps = 2 * torch.randn(shape)
        torch.testing.assert_close(impl(maps), soft_argmax(maps), atol=1e-4, rtol=0)
