"""Looks at shapes and dtypes, not at a single value."""

import torch


def test_robust_loss(impl) -> None:
    for dtype in (torch.float32, torch.float64):
        for shape in ((3, 2), (), (0, 3)):
            for kind in ("huber", "geman_mcclure"):
                value, influence = impl(torch.ones(shape, dtype=dtype), kind, 1.3)
                assert value.shape == influence.shape == shape
                assert value.dtype == influence.dtype == dtype
