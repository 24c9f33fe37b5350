"""Asks for a number between 0 and 1."""

import torch


def test_pck(impl):
    found = impl(torch.ones(2, 4, 2), torch.zeros(2, 4, 2), torch.ones(2, 4, dtype=torch.bool), torch.tensor([40.0, 80.0]), alpha=0.1)
    assert 0 <= float(found) <= 1
