"""The mean's size, not its square."""

from torch import Tensor


def kl_to_standard(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (logvar.exp() + mu.abs() - 1 - logvar).sum(dim=1)
