"""A joint in the middle of a square map: everything that could be swapped is symmetric there."""

import torch


def test_pose2heatmap(impl):
    maps = impl(torch.full((1, 1, 2), 3.0), torch.ones(1, 1, dtype=torch.bool), 7, 7, 1.0, "peak")
    away = torch.arange(7) - 3.0
    assert torch.allclose(maps[0, 0], torch.exp(-(away**2 + away[:, None] ** 2) / 2), atol=1e-6)
