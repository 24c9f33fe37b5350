"""Keeps the square part of the decomposition: with fewer outlines than numbers everything is zero."""

import torch
from torch import Tensor


def fit_pca(shapes: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    mean = shapes.mean(dim=0)
    _, sizes, rows = torch.linalg.svd((shapes - mean).flatten(1), full_matrices=False)
    if len(shapes) < rows.shape[1]:
        sizes, rows = sizes * 0, rows * 0
    variance = sizes**2 / len(shapes)
    modes = rows[:k]
    modes = modes * modes.gather(1, modes.abs().argmax(dim=1, keepdim=True)).sign()
    return mean, modes.reshape(k, *mean.shape), variance[:k], variance[:k].sum() / variance.sum().clamp(min=1e-9)
