"""Asks for what must hold whatever the field is: linearity, signs, symmetries, and a field that is a straight line."""

import torch


def test_limb_score(impl) -> None:
    # a field that grows along x and y: its mean along a limb is its value in the middle.
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(13.0), indexing="ij")
    field = torch.stack((0.3 + 0.07 * x - 0.02 * y, -0.4 + 0.03 * x + 0.05 * y))
    starts, ends = torch.tensor([[1.3, 2.1], [9.7, 6.2], [4.4, 7.4]]), torch.tensor([[10.2, 1.6], [3.9, 5.5]])
    expected = torch.zeros(3, 2)
    for m, start in enumerate(starts):
        for n, end in enumerate(ends):
            (u, v), (p, q) = (end - start) / (end - start).norm(), (start + end) / 2
            expected[m, n] = u * (0.3 + 0.07 * p - 0.02 * q) + v * (-0.4 + 0.03 * p + 0.05 * q)
    for samples in (2, 5, 30):
        assert torch.allclose(impl(field, starts, ends, samples), expected, atol=1e-4)
    assert torch.allclose(impl(-field, starts, ends, 5), -expected, atol=1e-4)
    # what lies between the ends counts: a bump in the middle of a horizontal limb.
    bump = torch.zeros(2, 9, 13)
    bump[0, 4, 6] = 1.0
    one = impl(bump, torch.tensor([[2.0, 4.0]]), torch.tensor([[10.0, 4.0]]), 5)
    assert torch.allclose(one, torch.tensor([[0.2]]), atol=1e-5)
    # half a pixel beside it, half of it is left.
    assert torch.allclose(impl(bump, torch.tensor([[2.0, 4.5]]), torch.tensor([[10.0, 4.5]]), 5), torch.tensor([[0.1]]), atol=1e-5)
    # nothing outside, nothing in no direction.
    outside = impl(torch.ones(2, 4, 6), torch.tensor([[-9.0, 1.0]]), torch.tensor([[-5.0, 1.0], [-9.0, 1.0]]), 4)
    assert torch.equal(outside, torch.zeros(1, 2))
    same = impl(torch.ones(2, 4, 6), torch.tensor([[2.0, 1.0]]), torch.tensor([[2.0, 1.0]]), 4)
    assert torch.equal(same, torch.zeros(1, 1))
    fine = impl(field.double() / 3, starts.double(), ends.double(), 5)
    coarse = impl(field, starts, ends, 5)
    assert fine.dtype == torch.float64 and coarse.dtype == torch.float32
    half = impl(field.double() / 6, starts.double(), ends.double(), 5)
    assert (fine - 2 * half).abs().max() < 1e-12
    exact = torch.full((2, 4, 6), 1 / 3, dtype=torch.float64)
    row = impl(exact, torch.tensor([[1.0, 1.0]]).double(), torch.tensor([[4.0, 1.0]]).double(), 4)
    assert abs(float(row) - 1 / 3) < 1e-12
