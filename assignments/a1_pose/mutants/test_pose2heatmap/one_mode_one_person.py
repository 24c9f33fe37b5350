"""Thorough about one person and one mode, and silent about the rest."""

import torch


def test_pose2heatmap(impl):
    poses = torch.tensor([[[3.3, 2.6], [6.1, 4.4]]])
    maps = impl(poses, torch.ones(1, 2, dtype=torch.bool), 6, 9, 1.5, "peak")
    x, y = torch.arange(9) - poses[..., 0, None, None], torch.arange(6)[:, None] - poses[..., 1, None, None]
    assert torch.allclose(maps, torch.exp(-(x**2 + y**2) / 4.5), atol=1e-5)
