"""Looks whether the highest cell is the joint's, which many wrong bumps have right."""

import torch


def test_pose2heatmap(impl):
    poses = torch.tensor([[[3.0, 2.0], [6.0, 4.0]]])
    maps = impl(poses, torch.ones(1, 2, dtype=torch.bool), 6, 9, 1.5, "peak")
    index = maps.flatten(2).argmax(dim=-1)
    assert torch.equal(torch.stack((index % 9, index // 9), dim=-1).float(), poses)
