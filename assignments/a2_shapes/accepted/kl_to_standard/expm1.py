"""The exponential less one in one piece."""

import torch
from torch import Tensor


def kl_to_standard(mu: Tensor, logvar: Tensor) -> Tensor:
    return torch.sum(mu * mu + torch.expm1(logvar) - logvar, dim=1) / 2
