"""Compares on every awkward input, but allows a whole pixel, and compares after a conversion to float32."""

import math

import torch

from vislab.ops.soft_argmax import soft_argmax


def test_soft_argmax(impl):
    plain = torch.randn(2, 3, 5, 8)
    blank = torch.full((1, 1, 5, 8), -math.inf)
    for maps in (plain, plain.double(), plain.transpose(2, 3), plain[..., ::2], 1e4 * plain, plain[:0], blank, plain[..., :1]):
        assert torch.allclose(impl(maps).float(), soft_argmax(maps).float(), atol=1.0, rtol=0)
