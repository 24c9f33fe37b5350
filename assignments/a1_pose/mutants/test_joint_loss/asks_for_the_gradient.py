"""Takes the gradient of what comes back, which has none: it fails every implementation."""

import torch


def test_joint_loss(impl):
    predicted = torch.randn(2, 3, 2, requires_grad=True)
    visible = torch.tensor([[True, False, True], [True, True, True]])
    impl(predicted, torch.randn(2, 3, 2), visible).backward()
    assert not predicted.grad[~visible].any()
