"""Compares with a double loop of its own, on every dtype, kind and hidden label."""

import torch


def test_joint_loss(impl):
    for dtype, near in ((torch.float32, 1e-4), (torch.float64, 1e-10)):
        for kind in ("l2", "l1"):
            for hidden in (5.0, float("nan"), float("inf")):
                predicted = 4 * torch.randn(3, 2, 5, dtype=dtype).transpose(1, 2)
                label = 4 * torch.randn(3, 5, 2, dtype=dtype)
                visible = torch.tensor([[1, 0, 0, 0, 0], [1, 1, 0, 1, 1], [0, 1, 1, 0, 0]]).bool()
                label[~visible] = hidden
                total, count = 0.0, 0
                for b, j in visible.nonzero().tolist():
                    dx, dy = (predicted[b, j] - label[b, j]).tolist()
                    total, count = total + (dx**2 + dy**2 if kind == "l2" else abs(dx) + abs(dy)), count + 1
                got = impl(predicted, label, visible, kind)
                assert got.dtype == dtype and got.shape == ()
                assert abs(float(got) - total / count) < near * total / count
    nobody = torch.zeros(2, 3).bool()
    assert float(impl(torch.ones(2, 3, 2), torch.zeros(2, 3, 2), nobody, "l2")) == 0.0
