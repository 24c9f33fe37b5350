"""Clamps the log-variance."""

from torch import Tensor


def reparameterise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return mu + (logvar.clamp(-20, 20) / 2).exp() * eps
