"""Compares polygons with themselves from other starts, where the answer is zero."""

import torch


def test_cyclic_distance(impl) -> None:
    first = torch.rand(3, 2, 7, generator=torch.Generator().manual_seed(1))
    for shift in range(7):
        assert torch.allclose(impl(first, first.roll(shift, 2)), torch.zeros(3), atol=1e-6)
