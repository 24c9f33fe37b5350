"""Looks at shape, dtype and sign alone."""

import torch


def test_joint_loss(impl):
    got = impl(torch.randn(2, 3, 2), torch.randn(2, 3, 2), torch.ones(2, 3).bool())
    assert got.shape == () and got.dtype == torch.float32 and float(got) > 0
