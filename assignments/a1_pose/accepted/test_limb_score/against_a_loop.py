"""Compares with a loop of its own on drawn inputs, in both precisions, and asks about the special cases."""

import math

import torch


def one_score(field, start, end, samples):
    height, width = field.shape[1:]
    length = math.dist(start, end)
    total = 0.0
    for number in range(samples):
        x, y = (a + number / (samples - 1) * (b - a) for a, b in zip(start, end))
        for row in range(height):
            for column in range(width):
                weight = max(0.0, 1 - abs(x - column)) * max(0.0, 1 - abs(y - row))
                if weight and length:
                    u, v = field[:, row, column].tolist()
                    total += weight * (u * (end[0] - start[0]) + v * (end[1] - start[1])) / length
    return total / samples


def test_limb_score(impl) -> None:
    generator = torch.Generator().manual_seed(7)
    for dtype, allowed in ((torch.float32, 1e-4), (torch.float64, 1e-10)):
        field = torch.randn(2, 5, 8, generator=generator, dtype=dtype) + 0.3
        starts = torch.rand(4, 2, generator=generator, dtype=dtype) * torch.tensor([11.0, 8.0], dtype=dtype) - 2
        ends = torch.rand(3, 2, generator=generator, dtype=dtype) * torch.tensor([11.0, 8.0], dtype=dtype) - 2
        ends[1] = starts[2]
        answer = impl(field, starts, ends, 6)
        assert answer.shape == (4, 3) and answer.dtype == dtype
        expected = torch.tensor([[one_score(field, a, b, 6) for b in ends.tolist()] for a in starts.tolist()], dtype=dtype)
        assert torch.allclose(answer, expected, rtol=0, atol=allowed)
