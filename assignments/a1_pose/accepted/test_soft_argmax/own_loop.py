"""Compares with a loop over cells in Python's own floats, on a list of awkward maps."""

import math

import torch
from torch import Tensor


def position(logits: Tensor) -> list[float]:
    height, width = logits.shape
    cells = [(x, y, float(logits[y, x])) for y in range(height) for x in range(width)]
    peak = max(value for _, _, value in cells)
    if peak == -math.inf:
        return [(width - 1) / 2, (height - 1) / 2]
    weights = [math.exp(value - peak) for _, _, value in cells]
    total = math.fsum(weights)
    x = math.fsum(weight * cell[0] for weight, cell in zip(weights, cells)) / total
    y = math.fsum(weight * cell[1] for weight, cell in zip(weights, cells)) / total
    return [x, y]


def test_soft_argmax(impl):
    plain = 2 * torch.randn(2, 2, 4, 7)
    masked = plain.clone()
    masked[:, :, 1:3] = -math.inf
    masked[1, 1] = -math.inf
    wide = torch.full((2, 2, 4, 14), math.nan)
    wide[..., ::2] = plain
    levels = plain + torch.tensor([0.0, -3000.0])[:, None, None]
    awkward = [plain, masked, wide[..., ::2], plain.transpose(2, 3), levels, 1e4 * plain.sign() + plain]
    awkward += [torch.randn(1, 2, 1, 1), torch.randn(1, 2, 6, 1), torch.randn(1, 2, 1, 6), torch.full((1, 1, 3, 4), -math.inf)]
    for maps in awkward:
        # float32 resolves logits of 10 000 to a thousandth only, and so does everything that is computed from them.
        largest = float(maps.nan_to_num(neginf=0.0).abs().max())
        for dtype, allowed in ((torch.float32, 1e-4 + 2e-6 * largest), (torch.float64, 1e-10)):
            # the kind of memory is part of the test: only a change of dtype may make a copy.
            given = maps if dtype is torch.float32 else maps.double()
            answer = impl(given)
            assert answer.dtype == dtype and answer.shape == (*maps.shape[:2], 2)
            expected = torch.tensor([[position(logits) for logits in person] for person in given], dtype=torch.float64)
            assert (answer.double() - expected).abs().max() < allowed
    assert impl(torch.zeros(0, 3, 5, 8)).shape == (0, 3, 2)
