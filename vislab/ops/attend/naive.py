"""Additive attention written for the reader: the reference that the other formulations are held against."""

from __future__ import annotations

import torch
from torch import Tensor


def attend_naive(
    queries: Tensor, keys: Tensor, vector: Tensor, values: Tensor, mask: Tensor | None = None, return_weights: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Compute what ``attend`` computes, without checks, speed or thrift; differentiable any number of times."""
    # half precision is summed in float32.
    wide = torch.float64 if queries.dtype == torch.float64 else torch.float32
    answer = queries.dtype
    queries, keys, vector, values = queries.to(wide), keys.to(wide), vector.to(wide), values.to(wide)
    if mask is None:
        mask = torch.ones(keys.shape[:2], dtype=torch.bool, device=keys.device)

    # what the mask hides is never looked at: NaN times a weight of 0 would be NaN, forward and backward.
    keys = keys.masked_fill(~mask[:, :, None], 0.0)
    values = values.masked_fill(~mask[:, :, None], 0.0)

    hidden = torch.tanh(queries[:, :, None, :] + keys[:, None, :, :])  # [B, T, N, A]
    scores = (hidden * vector).sum(-1)  # [B, T, N]

    # softmax over nothing but -inf is NaN; a blank row's scores are made finite here and its weights 0 below, and so is its gradient.
    blank = ~mask.any(-1)[:, None, None]
    scores = scores.masked_fill(~mask[:, None, :], -torch.inf).masked_fill(blank, 0.0)
    weights = torch.softmax(scores, dim=-1).masked_fill(blank, 0.0)

    context = (weights[:, :, :, None] * values[:, None, :, :]).sum(2).to(answer)  # [B, T, D]
    return (context, weights.to(answer)) if return_weights else context
