"""Compares the sum of the pixels with the area."""

import torch


def test_coverage(impl) -> None:
    crooked = torch.tensor([[[-0.7, 0.9, 0.2, 0.4], [-0.6, -0.8, 0.1, 1.0]], [[-0.3, 0.5, 1.1, -0.9], [-1.1, -0.2, 0.7, 0.3]]])

    answer = impl(crooked[:1], 60, 80, 1.3, 0.01)
    x, y = crooked[0]
    area = (x * y.roll(-1) - x.roll(-1) * y).sum() / 2
    assert abs(float(answer.sum() * 2.6 * 2.6 / 4800 - area)) < 0.02
