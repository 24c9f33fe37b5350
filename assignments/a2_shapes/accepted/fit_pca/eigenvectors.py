"""Eigenvectors of the covariance matrix, in float64 so that no digits are lost by the square."""

import torch
from torch import Tensor


def fit_pca(shapes: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    flat = shapes.double().reshape(len(shapes), -1)
    mean = flat.mean(dim=0)
    values, vectors = torch.linalg.eigh(torch.einsum("mi,mj->ij", flat - mean, flat - mean) / len(flat))
    order = torch.argsort(values, descending=True)[:k]
    modes = vectors[:, order].T.clone()
    for mode in modes:
        mode *= 1 if mode.max() > -mode.min() else -1
    answer = mean.reshape(shapes.shape[1:]), modes.reshape(k, *shapes.shape[1:]), values[order], values[order].sum() / values.sum()
    return tuple(part.to(shapes.dtype) for part in answer)
