"""The mean alone."""

import torch


def test_fit_pca(impl) -> None:
    shapes = torch.randn(30, 2, 5, generator=torch.Generator().manual_seed(0)) + 2
    assert torch.allclose(impl(shapes, 3)[0], shapes.mean(dim=0), atol=1e-4)
