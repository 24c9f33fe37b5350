"""Numbers that can be counted on fingers."""

import torch


def test_pck(impl):
    zero = torch.zeros(2, 4, 2)
    off = torch.tensor([[[3.0, 4.0], [0.0, 1.0], [3.0, 3.0], [0.0, 0.0]], [[0.0, 9.0], [6.0, 6.0], [0.0, 11.0], [9.0, 9.0]]])
    seen = torch.tensor([[True, True, False, False], [True, True, True, False]])
    size = torch.tensor([40.0, 80.0])
    # within 5 px of the first person: 5 and 1; within 10 px of the second: 9 and 8.5, but not 11.
    for kind in (torch.float32, torch.float64):
        found = impl(off.to(kind), zero.to(kind), seen, size.to(kind), alpha=0.125)
        assert found.dtype == kind
        assert abs(float(found) - 4 / 5) < 1e-6
    assert abs(float(impl(off, zero, seen, size, alpha=0.11)) - 2 / 5) < 1e-6
    assert abs(float(impl(off, zero, torch.ones_like(seen), size, alpha=0.11)) - 4 / 8) < 1e-6
    assert float(impl(off, zero, torch.zeros_like(seen), size, alpha=0.125)) == 0
