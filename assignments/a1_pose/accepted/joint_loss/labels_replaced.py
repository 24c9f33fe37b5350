"""Gives hidden joints their own prediction as label: no difference, no gradient."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    hidden = ~visible[..., None].expand_as(predicted)
    label = target.clone()
    label[hidden] = predicted.detach()[hidden]
    difference = (predicted - label).flatten(0, 1)
    each = (difference**2).sum(dim=1) if kind == "l2" else difference.abs().sum(dim=1)
    return each.sum() / max(1, visible.count_nonzero().item())
