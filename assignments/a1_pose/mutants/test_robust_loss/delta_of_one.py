"""Uses a delta of 1 alone, which hides what is missing or too much of it."""

import torch


def test_robust_loss(impl) -> None:
    r = torch.tensor([-4.0, -0.5, 0.3, 2.5])
    value, influence = impl(r, "huber", 1.0)
    assert torch.allclose(value, torch.tensor([3.5, 0.125, 0.045, 2.0]), atol=1e-5)
    assert torch.allclose(influence, torch.tensor([-1.0, -0.5, 0.3, 1.0]), atol=1e-5)
    value, influence = impl(r, "geman_mcclure", 1.0)
    assert torch.allclose(value, r**2 / 2 / (1 + r**2), atol=1e-5)
    assert torch.allclose(influence, r / (1 + r**2) ** 2, atol=1e-5)
