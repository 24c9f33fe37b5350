"""Needs no reference: maps whose answer is known on paper, and what must not change it."""

import math

import torch


def near(answer, expected, allowed):
    expected = torch.as_tensor(expected, dtype=answer.dtype)
    return answer.shape == expected.shape and bool(((answer - expected).abs() <= allowed).all())


def two_cells(dtype, height=6, width=9):
    """Weight a quarter at column 2 of row 4, three quarters at column 7 of row 1: x is 5.75, y is 1.75."""
    maps = torch.full((1, 1, height, width), -math.inf, dtype=dtype)
    maps[0, 0, 4, 2] = 0.0
    maps[0, 0, 1, 7] = math.log(3.0)
    return maps


def test_soft_argmax(impl):
    for dtype, allowed in ((torch.float32, 1e-4), (torch.float64, 1e-12)):
        maps = two_cells(dtype)
        answer = impl(maps)
        assert answer.dtype == dtype
        assert near(answer, [[[5.75, 1.75]]], allowed)
        assert near(impl(maps + 9000.0), [[[5.75, 1.75]]], 2e-2 if dtype == torch.float32 else 1e-9)
        assert near(impl(maps.transpose(2, 3)), [[[1.75, 5.75]]], allowed)
        assert near(impl(torch.zeros(2, 3, 4, 7, dtype=dtype)), torch.tensor([3.0, 1.5]).expand(2, 3, 2), allowed)
        assert near(impl(torch.full((2, 1, 4, 7), -math.inf, dtype=dtype)), torch.tensor([3.0, 1.5]).expand(2, 1, 2), allowed)
    people = torch.cat([two_cells(torch.float32), two_cells(torch.float32).flip(3) - 4000.0, torch.zeros(1, 1, 6, 9)])
    assert near(impl(people), [[[5.75, 1.75]], [[2.25, 1.75]], [[4.0, 2.5]]], 1e-2)
    every_second = torch.zeros(1, 1, 6, 18)
    every_second[..., ::2] = two_cells(torch.float32)
    assert near(impl(every_second[..., ::2]), [[[5.75, 1.75]]], 1e-4)
    assert near(impl(torch.tensor([[[[0.0, 1.0, 3.0]]]])), [[[(math.e + 2 * math.e**3) / (1 + math.e + math.e**3), 0.0]]], 1e-5)
    assert near(impl(torch.ones(1, 1, 5, 1)), [[[0.0, 2.0]]], 1e-5) and near(impl(torch.ones(1, 1, 1, 1)), [[[0.0, 0.0]]], 1e-6)
    # a logit of 30 must not be squashed, and random maps must not depend on a constant.
    noise = torch.randn(2, 2, 5, 8)
    assert near(impl(noise), impl(noise - 64.0), 1e-3)
    assert tuple(impl(torch.zeros(0, 2, 5, 8)).shape) == (0, 2, 2)
