"""The logarithm of 1 + exp(z) by logaddexp with zero, person by person."""

import torch
from torch import Tensor


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    total = logits.sum() * 0
    for row, seen in zip(logits, visible):
        zero = torch.zeros_like(row)
        total = total + torch.logaddexp(zero[seen], -row[seen]).sum() + torch.logaddexp(zero[~seen], row[~seen]).sum()
    return total / max(1, logits.numel())
