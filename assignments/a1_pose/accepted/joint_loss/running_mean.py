"""Updates a mean joint by joint, so that no sum is ever large."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    mean = predicted[..., 0].sum() * 0
    for count, (b, j) in enumerate(visible.nonzero().tolist(), start=1):
        difference = predicted[b, j] - target[b, j]
        distance = difference @ difference if kind == "l2" else difference.abs().sum()
        mean = mean + (distance - mean) / count
    return mean
