"""Demands the very bits of one way to add: right losses that add in another order fail."""

import torch


def test_joint_loss(impl):
    predicted, label = torch.randn(4, 6, 2), torch.randn(4, 6, 2)
    visible = torch.rand(4, 6) < 0.6
    difference = predicted[visible] - label[visible]
    assert torch.equal(impl(predicted, label, visible), difference.square().sum(dim=-1).mean())
