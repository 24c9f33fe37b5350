"""Looks at shape and range alone."""

import torch


def test_coverage(impl) -> None:
    crooked = torch.tensor([[[-0.7, 0.9, 0.2, 0.4], [-0.6, -0.8, 0.1, 1.0]], [[-0.3, 0.5, 1.1, -0.9], [-1.1, -0.2, 0.7, 0.3]]])

    answer = impl(crooked, 5, 8, 1.3, 0.1)
    assert answer.shape == (2, 1, 5, 8) and bool((answer >= 0).all()) and bool((answer <= 1).all())
