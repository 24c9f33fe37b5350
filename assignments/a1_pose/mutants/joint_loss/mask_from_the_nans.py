"""Takes every label that is not NaN for a visible one, whatever the mask says."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    seen = ~target.isnan().any(dim=-1)
    difference = predicted[seen] - target[seen]
    each = difference.square() if kind == "l2" else difference.abs()
    return each.sum() / max(1, int(seen.sum()))
