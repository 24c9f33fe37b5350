"""The mean over a code's numbers."""

from torch import Tensor


def kl_to_standard(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (logvar.exp() + mu**2 - 1 - logvar).mean(dim=1)
