"""No formula: what must not change, what must double, and one joint that is known."""

import torch


def test_joint_loss(impl):
    double = torch.float64
    predicted, label = torch.randn(4, 3, 2, dtype=double), torch.randn(4, 3, 2, dtype=double)
    visible = torch.tensor([[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 0, 0]]).bool()
    alone = torch.zeros(4, 3).bool()
    for kind in ("l2", "l1"):
        each = {}
        for b, j in visible.nonzero().tolist():
            one = alone.clone()
            one[b, j] = True
            each[b, j] = float(impl(predicted, label, one, kind))
            x, y = (predicted[b, j] - label[b, j]).tolist()
            assert abs(each[b, j] - (x * x + y * y if kind == "l2" else abs(x) + abs(y))) < 1e-9 * each[b, j]
        together = impl(predicted, label, visible, kind)
        assert together.dtype == double and abs(float(together) - sum(each.values()) / len(each)) < 1e-9
        assert torch.allclose(impl(predicted.float(), label.float(), visible, kind).double(), together, rtol=1e-5)
        for hidden in (float("nan"), float("inf"), 1e3):
            other = torch.where(visible[..., None], label, hidden)
            assert abs(float(impl(predicted.mT.contiguous().mT, other, visible, kind)) - float(together)) < 1e-12
        assert float(impl(predicted, label, alone, kind)) == 0
