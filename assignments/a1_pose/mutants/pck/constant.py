"""Says one half, whatever comes."""

from torch import Tensor


def pck(predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
    return predicted.new_tensor(0.5)
