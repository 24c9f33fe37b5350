"""Compares with a loop of its own, in both precisions and in every size that is special."""

import math
from itertools import pairwise

import torch


def slowly(polygon, count, closed):
    corners = list(zip(*polygon.tolist()))
    corners = corners + corners[:1] if closed else corners
    lengths = [math.dist(a, b) for a, b in pairwise(corners)]
    points = []
    for k in range(count):
        place = sum(lengths) * k / (count if closed else max(count - 1, 1))
        x, y = corners[0]
        for (a, b), (c, d), length in zip(corners, corners[1:], lengths):
            if place <= length:
                share = place / length if length > 0 else 0.0
                x, y = a + share * (c - a), b + share * (d - b)
                break
            place, x, y = place - length, c, d
        points.append((x, y))
    return torch.tensor(points, dtype=torch.float64).T


def test_resample(impl):
    generator = torch.Generator().manual_seed(3)
    for dtype, allowed in ((torch.float32, 1e-5), (torch.float64, 1e-11)):
        shapes = torch.randn(3, 2, 7, generator=generator, dtype=dtype) + 0.3
        doubled = shapes[:, :, [0, 0, 1, 2, 2, 3, 4, 5, 6, 0]]
        for given, count in ((shapes, 11), (shapes, 4), (doubled, 9), (shapes, 1), (shapes[:, :, :1], 3), (shapes.mT.contiguous().mT, 7)):
            for closed in (True, False):
                found = impl(given, count, closed)
                assert found.shape == (3, 2, count) and found.dtype == dtype
                for one, polygon in zip(found.double(), given):
                    assert torch.allclose(one, slowly(polygon, count, closed), rtol=0, atol=allowed)
    assert impl(shapes[:0], 5, True).shape == (0, 2, 5)
    tiny = impl(1e-6 * shapes.float(), 11, True)
    assert torch.allclose(1e6 * tiny, impl(shapes.float(), 11, True), rtol=0, atol=1e-4)
