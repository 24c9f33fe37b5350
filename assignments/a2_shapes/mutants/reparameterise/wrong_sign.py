"""A minus in the exponent."""

from torch import Tensor


def reparameterise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return mu + (-logvar / 2).exp() * eps
