"""Compares with numbers worked out by hand on a tiny map, and then moves the joint about."""

import math

import torch


def bell(place, length, sigma, mode):
    weights = [-((cell - place) ** 2) / (2 * sigma**2) for cell in range(length)]
    top = max(weights)
    weights = [math.exp(weight - (top if mode == "sum" else 0)) for weight in weights]
    total = math.fsum(weights) if mode == "sum" else 1.0
    return [weight / total for weight in weights]


def close(maps, numbers, tolerance):
    assert list(maps.shape) == [len(numbers), len(numbers[0])]
    for row, line in zip(maps.tolist(), numbers):
        for value, number in zip(row, line):
            assert abs(value - number) <= tolerance


def test_pose2heatmap(impl):
    # sigma 1, joint on the cell in the corner: e^-0.5 next to it, e^-1 across, e^-2 two cells away.
    maps = impl(torch.tensor([[[0.0, 0.0], [2.0, 1.0]]]), torch.tensor([[True, True]]), 2, 3, 1.0, "peak")
    close(maps[0, 0], [[1, math.exp(-0.5), math.exp(-2)], [math.exp(-0.5), math.exp(-1), math.exp(-2.5)]], 1e-6)
    close(maps[0, 1], [[math.exp(-2.5), math.exp(-1), math.exp(-0.5)], [math.exp(-2), math.exp(-0.5), 1]], 1e-6)
    places = [(1.4, 0.7), (3.3, 2.2), (-2.5, 1.1), (300.0, 40.0)]
    for mode in ("peak", "sum"):
        for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-10)):
            poses = torch.tensor(places, dtype=dtype).reshape(2, 2, 2).mT.contiguous().mT  # the last two axes swapped in memory
            maps = impl(poses, torch.ones(2, 2, dtype=torch.bool), 4, 5, 1.7, mode)
            assert maps.dtype == dtype
            for number, (x, y) in enumerate(places):
                rows, columns = bell(y, 4, 1.7, mode), bell(x, 5, 1.7, mode)
                close(maps[number // 2, number % 2], [[row * column for column in columns] for row in rows], tolerance)
    missing = impl(torch.tensor([[[math.nan, 1.0]], [[1.0, 1.0]]]), torch.tensor([[False], [True]]), 4, 5, 1.7, "peak")
    assert not missing[0].any() and abs(float(missing[1, 0, 1, 1]) - 1) < 1e-6
    hidden = impl(torch.tensor([[[2.0, 1.0]]]), torch.tensor([[False]]), 4, 5, 1.7, "sum")
    assert hidden.shape == (1, 1, 4, 5) and not hidden.any()
    nobody = impl(torch.zeros(0, 3, 2), torch.zeros(0, 3, dtype=torch.bool), 4, 5, 1.7, "sum")
    assert nobody.shape == (0, 3, 4, 5)
