"""Takes the mean of the visible joints even when there are none: 0 / 0 is NaN."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = predicted[visible] - target[visible]
    power = difference.square() if kind == "l2" else difference.abs()
    return power.sum(dim=-1).mean()
