"""Looks at the shape, and whether all is finite and not negative."""

import torch


def test_cyclic_distance(impl) -> None:
    answer = impl(torch.rand(3, 2, 7), torch.rand(3, 2, 7))
    assert answer.shape == (3,) and bool(answer.isfinite().all()) and bool((answer >= 0).all())
