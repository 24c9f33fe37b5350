"""Every person weighs the same, however many joints are visible."""

import torch
from torch import Tensor


def pck(predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
    off = torch.linalg.vector_norm(predicted - target, dim=-1)
    found = ((off <= alpha * scale[:, None]) & visible).to(predicted.dtype).sum(dim=1)
    shares = found / visible.sum(dim=1).clamp(min=1)
    return shares.sum() / max(1, len(shares))
