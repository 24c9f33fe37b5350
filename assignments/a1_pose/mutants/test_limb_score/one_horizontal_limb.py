"""Looks at one limb along a row of a field of ones: hardly anything can be wrong there."""

import torch


def test_limb_score(impl) -> None:
    field = torch.zeros(2, 6, 9)
    field[0] = 1.0
    score = impl(field, torch.tensor([[2.0, 3.0]]), torch.tensor([[7.0, 3.0]]), 5)
    assert abs(float(score) - 1.0) < 1e-4
