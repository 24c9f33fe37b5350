"""The logarithm of the soft-max once, everything else from it."""

import torch
from torch import Tensor


def heatmap_loss(logits: Tensor, target: Tensor, kind: str) -> Tensor:
    said = logits.flatten(2) - logits.flatten(2).logsumexp(dim=-1, keepdim=True)
    true, share = target.flatten(2), said.exp()
    if kind == "mse":
        return (share - true).square().mean(dim=-1)
    if kind == "ce":
        return -(true * said).sum(dim=-1)
    if kind == "kl":
        return (torch.xlogy(true, true) - true * said).sum(dim=-1)
    middle = ((share + true) / 2).clamp(min=1e-38).log()
    return (torch.xlogy(true, true) - true * middle + share * (said - middle)).sum(dim=-1) / 2
