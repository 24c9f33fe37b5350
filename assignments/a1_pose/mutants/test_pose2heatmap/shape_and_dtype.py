"""Looks at shape and dtype alone."""

import torch


def test_pose2heatmap(impl):
    maps = impl(torch.rand(2, 3, 2) * 5, torch.ones(2, 3, dtype=torch.bool), 6, 9, 1.5, "peak")
    assert maps.shape == (2, 3, 6, 9) and maps.dtype == torch.float32
