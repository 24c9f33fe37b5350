"""The straight line."""

from torch import Tensor


def slerp(first: Tensor, second: Tensor, t: float) -> Tensor:
    return (1 - t) * first + t * second
