"""Asks for symmetry and for invariance, never for a value."""

import torch


def test_cyclic_distance(impl) -> None:
    generator = torch.Generator().manual_seed(2)
    first, second = (torch.rand(3, 2, 7, generator=generator) for _ in range(2))
    answer = impl(first, second)
    assert answer.shape == (3,)
    assert torch.allclose(impl(second, first), answer, atol=1e-6)
    assert torch.allclose(impl(first.roll(2, 2), second), answer, atol=1e-6)
