"""Draws noise of its own."""

import torch
from torch import Tensor


def reparameterise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return mu + (logvar / 2).exp() * torch.randn_like(mu)
