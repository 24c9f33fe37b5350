"""Tests Huber's loss and forgets the other."""

import torch


def test_robust_loss(impl) -> None:
    r, delta = torch.tensor([[-5.0, -0.3, 0.0], [1.1, 2.5, 6.0]], dtype=torch.float64), 1.7
    value, influence = impl(r, "huber", delta)
    assert value.dtype == influence.dtype == torch.float64
    assert torch.allclose(value, torch.where(r.abs() > delta, delta * (r.abs() - delta / 2), r**2 / 2))
    assert torch.allclose(influence, r.clamp(-delta, delta))
    assert impl(torch.ones(()), "huber", delta)[0].shape == ()
