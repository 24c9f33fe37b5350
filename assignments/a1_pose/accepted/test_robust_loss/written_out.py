"""Both formulas written out once more in float64, and the special inputs one by one."""

import torch


def test_robust_loss(impl) -> None:
    generator = torch.Generator().manual_seed(1)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        for delta in (0.6, 2.3):
            r = (4 * torch.randn(5, 7, generator=generator, dtype=torch.float64)).to(dtype)
            r[0, 0], r[1, 2] = 0.0, 50.0
            for kind in ("huber", "geman_mcclure"):
                value, influence = impl(r, kind, delta)
                wide, sign = r.double(), r.double().sign()
                if kind == "huber":
                    inside = wide.abs() <= delta
                    right = torch.where(inside, wide**2 / 2, delta * (wide.abs() - delta / 2))
                    slope = torch.where(inside, wide, delta * sign)
                else:
                    right = wide**2 * delta**2 / (2 * (delta**2 + wide**2))
                    slope = wide * (delta**2 / (delta**2 + wide**2)) ** 2
                for answer, expected in ((value, right), (influence, slope)):
                    assert answer.dtype == dtype and answer.shape == expected.shape
                    assert torch.allclose(answer.double(), expected, rtol=tolerance, atol=tolerance)
    for kind in ("huber", "geman_mcclure"):
        for shape in ((), (0, 2), (1,)):
            for answer in impl(torch.full(shape, 0.4), kind, 1.5):
                assert answer.shape == shape
        for answer in impl(torch.tensor([1e8, -1e25, 3e25]), kind, 1.5):
            assert bool(torch.isfinite(answer).all())
