"""Compares ordinary inputs well, and nothing else."""

import torch


def test_joint_loss(impl):
    for dtype, near in ((torch.float32, 1e-4),):
        for kind in ("l2", "l1"):
            for hidden in (5.0,):
                predicted = 4 * torch.randn(3, 5, 2, dtype=dtype)
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
