"""Cuts the outlines out of the graph."""

from torch import Tensor


def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return (shapes.detach() - mean).flatten(1) @ modes.flatten(1).T
