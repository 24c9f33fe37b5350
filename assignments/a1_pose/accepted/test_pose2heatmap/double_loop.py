"""Compares with a loop over cells in float64, on everything that the contract speaks of."""

import math

import torch


def expected(poses, visible, height, width, sigma, mode):
    maps = torch.zeros(*visible.shape, height, width, dtype=torch.float64)
    for b in range(poses.shape[0]):
        for j in range(poses.shape[1]):
            if not visible[b, j]:
                continue
            x, y = poses[b, j].tolist()
            squares = torch.tensor([[(u - x) ** 2 + (v - y) ** 2 for u in range(width)] for v in range(height)], dtype=torch.float64)
            if mode == "sum":
                squares = squares - squares.min()
            maps[b, j] = torch.exp(-squares / (2 * sigma**2))
            if mode == "sum":
                maps[b, j] /= maps[b, j].sum()
    return maps


def test_pose2heatmap(impl):
    poses = torch.tensor([[[4.3, 2.6], [7.7, 1.2], [0.4, 4.1]], [[9.2, 3.9], [-1.4, 2.3], [5.0, 6.5]]], dtype=torch.float64)
    visible = torch.tensor([[True, True, False], [True, True, True]])
    unknown = poses.clone()
    unknown[0, 2] = math.nan
    wide = torch.zeros(2, 3, 4, dtype=torch.float64)
    wide[..., ::2] = poses
    far = poses.clone()
    far[1, 0] = torch.tensor([80.0, -60.0])
    for mode in ("peak", "sum"):
        for given in (poses, unknown, wide[..., ::2], far):
            for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-9)):
                # .to() keeps the strides of a view only where it has nothing to do.
                sent = given if dtype == given.dtype else given.to(dtype)
                maps = impl(sent, visible, 7, 11, 1.3, mode)
                assert maps.shape == (2, 3, 7, 11) and maps.dtype == dtype
                assert torch.allclose(maps.double(), expected(given, visible, 7, 11, 1.3, mode), atol=tolerance, rtol=0)
        alone = impl(poses[:1, :1], visible[:1, :1], 1, 11, 1.3, mode)
        assert torch.allclose(alone, expected(poses[:1, :1], visible[:1, :1], 1, 11, 1.3, mode), atol=1e-9, rtol=0)
        assert alone.shape == (1, 1, 1, 11)
        assert impl(poses[:0], visible[:0], 7, 11, 1.3, mode).shape == (0, 3, 7, 11)
