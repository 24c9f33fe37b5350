"""Takes the log-variance for the logarithm of the deviation."""

from torch import Tensor


def kl_to_standard(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * ((2 * logvar).exp() + mu**2 - 1 - 2 * logvar).sum(dim=1)
