"""Never looks at the influence."""

import torch


def test_robust_loss(impl) -> None:
    r, delta = torch.tensor([-5.0, -0.3, 1.1, 2.5, 6.0], dtype=torch.float64), 1.7
    value = impl(r, "huber", delta)[0]
    assert torch.allclose(value, torch.where(r.abs() > delta, delta * (r.abs() - delta / 2), r**2 / 2))
    value = impl(r, "geman_mcclure", delta)[0]
    assert torch.allclose(value, r**2 / 2 / (1 + (r / delta) ** 2))
