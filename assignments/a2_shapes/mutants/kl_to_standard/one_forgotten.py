"""Without the -1."""

from torch import Tensor


def kl_to_standard(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (logvar.exp() + mu**2 - logvar).sum(dim=1)
