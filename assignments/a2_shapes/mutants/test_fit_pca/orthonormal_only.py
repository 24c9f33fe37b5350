"""Orthonormal modes, and nothing about which ones."""

import torch


def test_fit_pca(impl) -> None:
    _, modes, _, _ = impl(torch.randn(30, 2, 5, generator=torch.Generator().manual_seed(0)) + 2, 3)
    flat = modes.flatten(1)
    assert torch.allclose(flat @ flat.T, torch.eye(3), atol=1e-4)
