"""Asks for digits that float32 does not have."""

import torch


def test_resample(impl):
    box = torch.tensor([[[2.1, 5.3, 5.7, 2.4], [3.2, 3.3, 4.6, 4.9]]])
    found = impl(box, 9, True).double()
    assert torch.allclose(found, impl(box.double(), 9, True), rtol=0, atol=1e-12)
