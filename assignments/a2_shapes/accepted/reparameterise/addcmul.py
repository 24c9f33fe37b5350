"""One fused operation."""

import torch
from torch import Tensor


def reparameterise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return torch.addcmul(mu, torch.exp(0.5 * logvar), eps)
