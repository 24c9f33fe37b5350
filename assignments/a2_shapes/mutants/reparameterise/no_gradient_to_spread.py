"""The deviation is cut out of the graph."""

from torch import Tensor


def reparameterise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return mu + (logvar.detach() / 2).exp() * eps
