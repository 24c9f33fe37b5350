"""Uses positive residuals alone: signs are never seen."""

import torch


def test_robust_loss(impl) -> None:
    r, delta = torch.tensor([0.3, 1.1, 2.5, 6.0], dtype=torch.float64), 1.7
    value, influence = impl(r, "huber", delta)
    assert torch.allclose(value, torch.where(r > delta, delta * (r - delta / 2), r**2 / 2))
    assert torch.allclose(influence, r.clamp(max=delta))
    value, influence = impl(r, "geman_mcclure", delta)
    assert torch.allclose(value, r**2 / 2 / (1 + (r / delta) ** 2))
    assert torch.allclose(influence, r / (1 + (r / delta) ** 2) ** 2)
