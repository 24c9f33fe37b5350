"""Compares scores well, but only in float32, and never outside the map or for a limb without length."""

import torch
import torch.nn.functional as F


def test_limb_score(impl) -> None:
    generator = torch.Generator().manual_seed(5)
    field = torch.randn(2, 8, 8, generator=generator) + 0.4
    starts, ends = torch.rand(4, 2, generator=generator) * 7, torch.rand(3, 2, generator=generator) * 7
    away = ends[None] - starts[:, None]
    places = starts[:, None, None] + torch.linspace(0, 1, 6)[:, None] * away[:, :, None]
    found = F.grid_sample(field[None], (2 * places.flatten(0, 1) + 1)[None] / 8 - 1, align_corners=False)[0].mean(dim=2)
    expected = (found.T.reshape(4, 3, 2) * F.normalize(away, dim=-1)).sum(dim=-1)
    assert torch.allclose(impl(field, starts, ends, 6), expected, atol=1e-4)
