"""The exponential of the half."""

from torch import Tensor


def reparameterise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    deviation = (0.5 * logvar).exp()
    return eps * deviation + mu
