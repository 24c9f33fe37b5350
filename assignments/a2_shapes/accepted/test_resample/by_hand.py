"""Answers that can be worked out on paper, and special cases one at a time."""

import torch


def near(found, expected, allowed):
    assert found.shape == expected.shape and found.dtype == expected.dtype
    assert torch.allclose(found, expected, rtol=0, atol=allowed)


def test_resample(impl):
    for dtype, allowed in ((torch.float32, 1e-5), (torch.float64, 1e-11)):
        box = torch.tensor([[2.0, 5.0, 5.0, 2.0], [3.0, 3.0, 4.0, 4.0]], dtype=dtype)
        triangle = torch.tensor([[1.0, 4.0, 1.0, 1.0], [2.0, 6.0, 6.0, 4.0]], dtype=dtype)
        both = torch.stack((box, triangle))
        ten = [[2.0, 2.8, 3.6, 4.4, 5.0, 5.0, 4.2, 3.4, 2.6, 2.0], [3.0, 3.0, 3.0, 3.0, 3.2, 4.0, 4.0, 4.0, 4.0, 3.8]]
        other = [[1.0, 1.72, 2.44, 3.16, 3.88, 3.0, 1.8, 1.0, 1.0, 1.0], [2.0, 2.96, 3.92, 4.88, 5.84, 6.0, 6.0, 5.6, 4.4, 3.2]]
        near(impl(both, 10, True), torch.tensor([ten, other], dtype=dtype), allowed)
        halves = torch.tensor([[[2.0, 3.75, 5.0, 3.75, 2.0], [3.0, 3.0, 3.5, 4.0, 4.0]]], dtype=dtype)
        near(impl(both[:1], 5, False), halves, allowed)
        near(impl(both, 1, False), both[:, :, :1], allowed)
        near(impl(both[:, :, [0, 0, 1, 2, 2, 3, 0]], 10, True), torch.tensor([ten, other], dtype=dtype), allowed)
        near(impl(both[:, :, :1], 3, True), both[:, :, [0, 0, 0]], allowed)
        near(impl(both[:0], 3, True), torch.zeros(0, 2, 3, dtype=dtype), allowed)
        near(impl(1e-6 * both, 10, True) * 1e6, torch.tensor([ten, other], dtype=dtype), 10 * allowed)
