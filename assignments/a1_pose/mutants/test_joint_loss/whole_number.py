"""One example whose answer is a whole number, in one precision."""

import torch


def test_joint_loss(impl):
    predicted = torch.tensor([[[3.0, 4.0], [0.0, 0.0]], [[1.0, 2.0], [2.0, 2.0]]])
    visible = torch.tensor([[True, False], [True, True]])
    label = predicted - torch.tensor([3.0, 0.0])
    assert abs(float(impl(predicted, label, visible, "l2")) - 9.0) < 1e-3
    assert abs(float(impl(predicted, label, visible, "l1")) - 3.0) < 1e-3
