"""Looks at one closed outline and nothing else."""

import torch


def test_resample(impl):
    box = torch.tensor([[[2.0, 5.0, 5.0, 2.0], [3.0, 3.0, 4.0, 4.0]]])
    found = impl(box, 10, True)
    expected = [[2.0, 2.8, 3.6, 4.4, 5.0, 5.0, 4.2, 3.4, 2.6, 2.0], [3.0, 3.0, 3.0, 3.0, 3.2, 4.0, 4.0, 4.0, 4.0, 4.0]]
    assert torch.allclose(found[0], torch.tensor(expected), atol=1e-4)
