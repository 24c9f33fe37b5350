"""Calls, and looks at nothing."""

import torch


def test_fit_pca(impl) -> None:
    impl(torch.randn(9, 2, 5, generator=torch.Generator().manual_seed(0)), 2)
