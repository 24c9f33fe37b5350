"""Modes as long as the deviation along them: not orthonormal."""

import torch
from torch import Tensor


def fit_pca(shapes: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    mean = shapes.mean(dim=0)
    _, sizes, rows = torch.linalg.svd((shapes - mean).flatten(1), full_matrices=False)
    variance = sizes**2 / len(shapes)
    modes = rows[:k]
    modes = modes * modes.gather(1, modes.abs().argmax(dim=1, keepdim=True)).sign()
    return mean, (modes * variance[:k, None].sqrt()).reshape(k, *mean.shape), variance[:k], variance[:k].sum() / variance.sum()
