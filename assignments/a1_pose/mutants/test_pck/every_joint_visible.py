"""Hides no joint and takes people of one size."""

import torch


def test_pck(impl):
    step = torch.tensor([[[3.0, 4.0], [9.0, 9.0]]])
    found = impl(step, torch.zeros(1, 2, 2), torch.ones(1, 2, dtype=torch.bool), torch.tensor([40.0]), alpha=0.125)
    assert float(found) == 0.5
