"""A loop over all residuals in Python's own numbers, joined again at the end."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        values, slopes = [], []
        for r in residual.flatten():
            size = r.abs()
            values.append(delta * (size - delta / 2) if size > delta else r * r / 2)
            slopes.append(delta * r.sign() if size > delta else r)
        if not values:
            return residual.clone(), residual.clone()
        return torch.stack(values).reshape(residual.shape), torch.stack(slopes).reshape(residual.shape)
    values, slopes = [], []
    for r in residual.flatten():
        u = (r / delta) / torch.hypot(torch.ones_like(r), r / delta)
        values.append((delta * u) ** 2 / 2)
        slopes.append(r / (1 + (r / delta) ** 2) ** 2)
    if not values:
        return residual.clone(), residual.clone()
    return torch.stack(values).reshape(residual.shape), torch.stack(slopes).reshape(residual.shape)
