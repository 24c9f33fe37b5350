"""The mean is missing."""

from torch import Tensor


def reparameterise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return (logvar / 2).exp() * eps
