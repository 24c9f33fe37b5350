"""The Jensen-Shannon divergence as the entropy of the mean less the mean of the entropies."""

import torch
from torch import Tensor


def heatmap_loss(logits: Tensor, target: Tensor, kind: str) -> Tensor:
    said = logits.flatten(2).log_softmax(dim=-1)
    true = target.flatten(2)
    if kind == "mse":
        return torch.einsum("bjn,bjn->bj", said.exp() - true, said.exp() - true) / true.shape[-1]
    if kind == "js":
        middle = (said.exp() + true) / 2
        return entropy(middle) - (entropy(true) - (said.exp() * said).sum(dim=-1)) / 2
    crossed = -torch.einsum("bjn,bjn->bj", true, said)
    return crossed if kind == "ce" else crossed - entropy(true)


def entropy(shares: Tensor) -> Tensor:
    return torch.special.entr(shares + (shares == 0)).sum(dim=-1)
