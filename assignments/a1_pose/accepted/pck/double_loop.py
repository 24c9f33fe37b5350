"""Joint by joint."""

from torch import Tensor


def pck(predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
    found = 0
    count = 0
    for b, j in visible.nonzero().tolist():
        found += int((predicted[b, j] - target[b, j]).square().sum().sqrt() <= alpha * scale[b])
        count += 1
    return predicted.new_tensor(found / max(1, count))
