"""No formula: symmetry, limits, hand values, and a difference quotient."""

import torch


def test_robust_loss(impl) -> None:
    for kind, by_hand, far_pull in (("huber", 3.25 * 0.5 * 2 - 0.125, 0.5), ("geman_mcclure", 0.5 / (1 / 3.25**2 + 1 / 0.25), None)):
        value, influence = impl(torch.tensor([3.25, -3.25], dtype=torch.float64), kind, 0.5)
        expected = by_hand if kind == "geman_mcclure" else 0.5 * (3.25 - 0.25)
        assert (value - expected).abs().max() < 1e-12 and abs(float(influence[0] + influence[1])) < 1e-12
        assert far_pull is None or abs(float(influence[0]) - far_pull) < 1e-12
        r = torch.linspace(-6.0, 6.0, 37, dtype=torch.float64).reshape(37, 1) * torch.tensor([1.0, 0.31, 0.07], dtype=torch.float64)
        for delta in (0.83, 2.6):
            value, influence = impl(r, kind, delta)
            assert value.shape == influence.shape == r.shape and value.dtype == influence.dtype == torch.float64
            assert all(bool(torch.isfinite(each).all()) for each in (value, influence))
            mirrored = impl(-r, kind, delta)
            assert torch.allclose(mirrored[0], value, atol=1e-12) and torch.allclose(mirrored[1], -influence, atol=1e-12)
            step = 1e-6
            quotient = (impl(r + step, kind, delta)[0] - impl(r - step, kind, delta)[0]) / (2 * step)
            assert torch.allclose(quotient, influence, atol=1e-5)
            near = 1e-3 * torch.tensor([-2.0, 1.0, 3.0], dtype=torch.float64)
            assert torch.allclose(impl(near, kind, delta)[0], near**2 / 2, rtol=1e-4, atol=0.0)
            limit = delta**2 / 2 if kind == "geman_mcclure" else delta * (1e4 - delta / 2)
            assert abs(float(impl(torch.tensor([1e4], dtype=torch.float64), kind, delta)[0]) - limit) < 1e-5
        for answer in impl(torch.zeros(2, 3), kind, 1.5):
            assert not bool(answer.any())
        single = impl(torch.tensor(0.25), kind, 1.5)
        assert single[0].shape == () and single[0].dtype == single[1].dtype == torch.float32
        assert impl(torch.zeros(0, 3), kind, 1.5)[1].shape == (0, 3)
        assert all(bool(torch.isfinite(each).all()) for each in impl(torch.tensor([1e25, -1e20]), kind, 1.5))
