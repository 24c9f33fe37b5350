"""Outlines with x and y in turn, modes with all x first."""

from torch import Tensor


def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return (shapes - mean).transpose(1, 2).flatten(1) @ modes.flatten(1).T
