"""Asks for equality to the last bit, which right implementations do not give."""

import torch


def test_limb_score(impl) -> None:
    generator = torch.Generator().manual_seed(1)
    field = torch.randn(2, 6, 9, generator=generator)
    points = torch.rand(7, 2, generator=generator) * 5
    first, second = impl(field, points[:4], points[4:], 5), impl(field.flip(2), points[:4] * 1, points[4:], 5)
    mirrored = torch.tensor([8.0, 0.0]) + points * torch.tensor([-1.0, 1.0])
    turned = field.flip(2) * torch.tensor([-1.0, 1.0])[:, None, None]
    assert torch.equal(first, impl(turned, mirrored[:4], mirrored[4:], 5)) and not torch.equal(first, second)
