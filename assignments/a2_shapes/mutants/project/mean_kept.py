"""The mean is not subtracted."""

from torch import Tensor


def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return shapes.flatten(1) @ modes.flatten(1).T
