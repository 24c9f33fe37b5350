"""Compares with a loop of its own on drawn polygons, in both precisions and in every size that is special."""

import torch


def slowly(first, second):
    answers = []
    for a, b in zip(first.tolist(), second.tolist()):
        count = len(a[0])
        costs = []
        for shift in range(count):
            total = 0.0
            for n in range(count):
                m = (n + shift) % count
                total += (a[0][n] - b[0][m]) ** 2 + (a[1][n] - b[1][m]) ** 2
            costs.append(total / count)
        answers.append(min(costs))
    return torch.tensor(answers, dtype=torch.float64)


def test_cyclic_distance(impl) -> None:
    generator = torch.Generator().manual_seed(3)
    for dtype, allowed in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        for count, vertices in ((3, 7), (1, 10), (2, 1)):
            first = torch.randn(count, 2, vertices, generator=generator, dtype=dtype) + 0.3
            second = torch.randn(count, 2, vertices, generator=generator, dtype=dtype) - 0.2
            for other in (second, first.roll(1, 2) + 0.1 * second, first + 0.1 * second, first.flip(2)):
                answer = impl(first, other)
                assert answer.shape == (count,) and answer.dtype == dtype
                assert torch.allclose(answer.double(), slowly(first, other), rtol=0, atol=allowed)
    assert impl(torch.zeros(0, 2, 5), torch.zeros(0, 2, 5)).shape == (0,)
    far = 300 + torch.randn(3, 2, 8, generator=generator)
    near = far + 0.25 * torch.randn(3, 2, 8, generator=generator)
    assert torch.allclose(impl(far, near).double(), slowly(far, near), rtol=0, atol=1e-4)
