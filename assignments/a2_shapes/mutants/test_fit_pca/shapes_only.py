"""Looks at shapes alone."""

import torch


def test_fit_pca(impl) -> None:
    mean, modes, variance, _ = impl(torch.randn(9, 2, 5, generator=torch.Generator().manual_seed(0)), 2)
    assert mean.shape == (2, 5) and modes.shape == (2, 2, 5) and variance.shape == (2,)
