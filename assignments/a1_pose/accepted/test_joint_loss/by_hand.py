"""Examples worked out by hand, none of which has a whole number for its answer."""

import torch


def test_joint_loss(impl):
    predicted = torch.tensor([[[1.0, 2.0], [0.5, 0.0], [7.0, 7.0]], [[3.0, 1.0], [2.0, 2.0], [0.0, 0.25]]])
    target = torch.tensor([[[1.5, 4.0], [9.0, 9.0], [9.0, 9.0]], [[2.0, 1.0], [2.0, 5.0], [1.0, 0.25]]])
    visible = torch.tensor([[True, False, False], [True, True, True]])
    # squares 4.25, 1, 9, 1 and absolute sums 2.5, 1, 3, 1, over four joints.
    for kind, answer in (("l2", 15.25 / 4), ("l1", 7.5 / 4)):
        for hidden in (9.0, float("nan"), float("-inf")):
            label = torch.where(visible[..., None], target, torch.tensor(hidden))
            for dtype in (torch.float32, torch.float64):
                got = impl(predicted.to(dtype), label.to(dtype), visible, kind=kind)
                torch.testing.assert_close(got, torch.tensor(answer, dtype=dtype), rtol=1e-6 if dtype == torch.float32 else 1e-10, atol=0)
    view = predicted.mT.contiguous().mT
    torch.testing.assert_close(impl(view, target, visible, kind="l1"), torch.tensor(7.5 / 4))
    torch.testing.assert_close(impl(predicted, target, ~visible & False), torch.tensor(0.0))
