"""Asks for what must hold for all polygons, and for a few answers that can be known without a loop."""

import torch


def test_cyclic_distance(impl) -> None:
    generator = torch.Generator().manual_seed(11)
    first = torch.rand(4, 2, 9, generator=generator, dtype=torch.float64)
    second = torch.rand(4, 2, 9, generator=generator, dtype=torch.float64) + 0.1
    answer = impl(first, second)
    assert answer.shape == (4,) and answer.dtype == torch.float64
    assert impl(first.float(), second.float()).dtype == torch.float32
    # any start of either, and the two exchanged.
    for shift in (1, 4, 8):
        assert torch.allclose(impl(first.roll(shift, 2), second), answer, rtol=0, atol=1e-12)
        assert torch.allclose(impl(first, second.roll(shift, 2)), answer, rtol=0, atol=1e-12)
    assert torch.allclose(impl(second, first), answer, rtol=0, atol=1e-12)
    # every pair on its own, and a change of size.
    for number in range(4):
        alone = impl(first[number : number + 1], second[number : number + 1])
        assert alone.shape == (1,) and torch.allclose(alone[0], answer[number], rtol=0, atol=1e-12)
    assert torch.allclose(impl(3 * first, 3 * second), 9 * answer, rtol=0, atol=1e-11)
    # a small step aside costs its square, from whatever start.
    step = torch.tensor([[0.003], [0.004]], dtype=torch.float64)
    for shift in (0, 2, 7):
        moved = impl(first, first.roll(shift, 2) + step)
        assert torch.allclose(moved, torch.full((4,), 2.5e-5, dtype=torch.float64), rtol=0, atol=1e-12)
    far = (torch.rand(2, 2, 9, generator=generator) + 300).round(decimals=2)
    assert torch.allclose(impl(far, far.roll(3, 2)), torch.zeros(2), atol=1e-4)
    # the other way round it is another polygon.
    triangle = torch.tensor([[[0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]])
    assert torch.allclose(impl(triangle, triangle.flip(2)), torch.tensor([2 / 3]), atol=1e-5)
    one, other = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[4.0], [6.0]]])
    assert torch.allclose(impl(one, other), torch.tensor([25.0]))
    assert impl(torch.zeros(0, 2, 5), torch.zeros(0, 2, 5)).shape == (0,)
