"""Subtracts the mean of the batch instead of the space's."""

from torch import Tensor


def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return (shapes - shapes.mean(dim=0)).flatten(1) @ modes.flatten(1).T
