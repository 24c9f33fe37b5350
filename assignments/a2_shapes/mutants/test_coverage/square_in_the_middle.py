"""Draws a square in the middle of a square raster."""

import torch


def test_coverage(impl) -> None:
    square = torch.tensor([[[-0.5, 0.5, 0.5, -0.5], [-0.5, -0.5, 0.5, 0.5]]])
    centre = (torch.arange(8) + 0.5) / 4 - 1
    deep = torch.minimum(0.5 - centre.abs(), (0.5 - centre.abs())[:, None])
    answer = impl(square, 8, 8, 1.0, 0.1)
    assert torch.allclose(answer[0, 0][deep > 0], torch.sigmoid(deep / 0.1)[deep > 0], atol=1e-5)
