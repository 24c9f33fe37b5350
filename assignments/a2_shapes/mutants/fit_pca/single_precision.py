"""Computes in float32 whatever comes in."""

import torch
from torch import Tensor


def fit_pca(shapes: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    wide, shapes = shapes.dtype, shapes.float()
    mean = shapes.mean(dim=0)
    _, sizes, rows = torch.linalg.svd((shapes - mean).flatten(1), full_matrices=False)
    variance = sizes**2 / len(shapes)
    modes = rows[:k]
    modes = modes * modes.gather(1, modes.abs().argmax(dim=1, keepdim=True)).sign()
    share = variance[:k].sum() / variance.sum()
    return mean.to(wide), modes.reshape(k, *mean.shape).to(wide), variance[:k].to(wide), share.to(wide)
