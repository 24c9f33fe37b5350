"""Random people alone."""

import torch


def test_pck(impl):
    generator = torch.Generator().manual_seed(3)
    scale = torch.tensor([20.0, 40.0, 80.0])
    target = 60 * torch.rand(3, 9, 2, generator=generator)
    predicted = target + 0.1 * scale[:, None, None] * torch.randn(3, 9, 2, generator=generator)
    visible = torch.arange(9) < torch.tensor([[2], [5], [8]])
    for dtype in (torch.float32, torch.float64):
        found = impl(predicted.to(dtype), target.to(dtype), visible, scale.to(dtype), alpha=0.12)
        near = (predicted - target).norm(dim=-1) <= 0.12 * scale[:, None]
        assert found.dtype == dtype and abs(float(found) - int((near & visible).sum()) / 15) < 1e-6
