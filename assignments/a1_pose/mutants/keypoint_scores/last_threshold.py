"""Takes the share at the last threshold for the area."""

import torch
from torch import Tensor


def keypoint_scores(
    predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, kappa: Tensor, *, alphas: list[float]
) -> tuple[Tensor, Tensor, Tensor]:
    safe = torch.where(visible[..., None], target, torch.zeros_like(target))
    square = (predicted - safe).square().sum(dim=-1)
    off, count = square.sqrt(), visible.sum().clamp(min=1)
    mean = off[visible].sum() / count
    shares = [((off <= alpha * scale[:, None]) & visible).sum().to(predicted.dtype) / count for alpha in alphas]
    area = shares[-1]
    reach = 2 * scale[:, None].square() * kappa.square()
    each = torch.where(visible & (reach > 0), torch.exp(-square / reach), torch.zeros_like(square))
    return mean, area, each.sum(dim=1) / visible.sum(dim=1).clamp(min=1)
