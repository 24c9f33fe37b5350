"""Looks at the shape."""

import torch


def test_pck(impl):
    found = impl(torch.ones(2, 4, 2), torch.zeros(2, 4, 2), torch.ones(2, 4, dtype=torch.bool), torch.tensor([40.0, 80.0]), alpha=0.1)
    assert found.shape == ()
