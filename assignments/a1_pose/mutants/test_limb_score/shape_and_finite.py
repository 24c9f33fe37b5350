"""Looks at shape, type and finiteness, and at no value."""

import torch


def test_limb_score(impl) -> None:
    generator = torch.Generator().manual_seed(1)
    for dtype in (torch.float32, torch.float64):
        field = torch.randn(2, 6, 9, generator=generator, dtype=dtype)
        points = torch.rand(7, 2, generator=generator, dtype=dtype) * 5
        answer = impl(field, points[:4], points[3:], 5)
        assert answer.shape == (4, 4) and answer.dtype == dtype and bool(torch.isfinite(answer).all())
