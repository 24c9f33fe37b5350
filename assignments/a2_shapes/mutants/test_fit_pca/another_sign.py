"""Holds an answer to a sign of its own: fails right ones."""

import torch


def test_fit_pca(impl) -> None:
    shapes = torch.randn(30, 2, 5, generator=torch.Generator().manual_seed(0)) + 2
    rows = torch.linalg.svd((shapes - shapes.mean(dim=0)).flatten(1)).Vh[:3]
    assert torch.allclose(impl(shapes, 3)[1].flatten(1), -rows.abs(), atol=1e-4)
