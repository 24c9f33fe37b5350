"""Finds many a mistake and counts it, which fails nobody: a test fails by raising."""

import torch

from vislab.ops.soft_argmax import soft_argmax


def test_soft_argmax(impl):
    plain, mistakes = torch.randn(2, 3, 5, 8), 0
    for maps in (plain, 1e4 * plain, plain.transpose(2, 3), plain[:0]):
        try:
            torch.testing.assert_close(impl(maps), soft_argmax(maps), atol=0.01, rtol=0)
        except Exception:
            mistakes += 1
    return mistakes == 0
