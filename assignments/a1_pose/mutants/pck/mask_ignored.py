"""Counts hidden joints as well."""

import torch
from torch import Tensor


def pck(predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
    off = torch.linalg.vector_norm(predicted - target, dim=-1)
    found = (off <= alpha * scale[:, None]).to(predicted.dtype)
    return found.sum() / max(1, found.numel())
