"""Clamps the log-variance."""

from torch import Tensor


def kl_to_standard(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (logvar.clamp(-30, 20).exp() + mu**2 - 1 - logvar.clamp(-30, 20)).sum(dim=1)
