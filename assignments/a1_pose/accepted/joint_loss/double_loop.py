"""The specification itself: a loop over people and joints."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    total, count = predicted.new_zeros(()), 0
    for b in range(predicted.shape[0]):
        for j in range(predicted.shape[1]):
            if visible[b, j]:
                dx, dy = predicted[b, j] - target[b, j]
                total = total + (dx * dx + dy * dy if kind == "l2" else dx.abs() + dy.abs())
                count += 1
    return total / max(count, 1)
