"""Asks for what must be true of every Gaussian map, without computing one."""

import torch


def test_pose2heatmap(impl):
    poses = torch.tensor([[[3.2, 2.7], [6.6, 1.3]], [[4.8, 4.4], [8.1, 2.2]], [[-1.3, 3.3], [5.5, 0.2]]], dtype=torch.float64)
    visible = torch.tensor([[True, True], [True, False], [True, True]])
    height, width, sigma = 6, 10, 1.2
    for dtype in (torch.float32, torch.float64):
        near, exact = (1e-5, 1e-3) if dtype == torch.float32 else (1e-10, 1e-10)
        peak = impl(poses.to(dtype), visible, height, width, sigma, "peak")
        total = impl(poses.to(dtype), visible, height, width, sigma, "sum")
        for maps in (peak, total):
            assert maps.dtype == dtype and maps.shape == (3, 2, height, width)
            assert not maps[1, 1].any(), "a hidden joint has an empty map"
        sums = total.sum(dim=(2, 3))
        assert torch.allclose(sums, visible.to(dtype), atol=1e-5, rtol=0)
        # the logarithm falls with the square of the distance, in both modes.
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        for b, j in visible.nonzero().tolist():
            square = (columns - poses[b, j, 0]) ** 2 + (rows - poses[b, j, 1]) ** 2
            assert torch.allclose(peak[b, j].double().log(), -square / (2 * sigma**2), atol=exact, rtol=0)
            assert torch.allclose(total[b, j] * peak[b, j].sum(), peak[b, j], atol=near, rtol=0)
    # a label that does not exist, and a strided view.
    buffer = torch.full((3, 2, 4), torch.nan, dtype=torch.float64)
    buffer[..., ::2] = poses
    buffer[1, 1] = torch.nan
    assert torch.allclose(impl(buffer[..., ::2], visible, height, width, sigma, "sum"), total, atol=1e-10, rtol=0)
    assert impl(torch.zeros(0, 2, 2), torch.zeros(0, 2, dtype=torch.bool), height, width, sigma, "peak").shape == (0, 2, height, width)
    # far beyond the corner the nearest cell holds everything.
    far = impl(torch.tensor([[[500.0, -500.0]]]), torch.tensor([[True]]), height, width, sigma, "sum")
    assert far.shape == (1, 1, height, width) and abs(float(far[0, 0, 0, -1]) - 1) < 1e-4
