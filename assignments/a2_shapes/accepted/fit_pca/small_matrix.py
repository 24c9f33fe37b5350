"""Eigenvectors of the matrix of products of outlines, which is small where outlines are few."""

import torch
from torch import Tensor


def fit_pca(shapes: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    count, form = len(shapes), shapes.shape[1:]
    away = (shapes - shapes.mean(dim=0)).flatten(1).double()
    values, vectors = torch.linalg.eigh(away @ away.T)
    values, vectors = values.flip(0)[:k], vectors.flip(1)[:, :k]
    modes = torch.nn.functional.normalize(away.T @ vectors, dim=0).T
    places = modes.abs().argmax(dim=1)
    modes = modes * modes[torch.arange(k), places].sign()[:, None]
    share = values.sum() / away.square().sum()
    parts = modes.reshape(k, *form), values / count, share
    return shapes.mean(dim=0), *(part.to(shapes.dtype) for part in parts)
