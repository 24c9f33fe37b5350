"""Fails everything, also what is right."""

import torch


def test_robust_loss(impl) -> None:
    impl(torch.tensor([0.5, -2.0, 7.0]), "huber", 1.3)
    raise AssertionError("wrong")
