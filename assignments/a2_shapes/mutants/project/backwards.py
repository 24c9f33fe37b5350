"""The mean less the outline."""

from torch import Tensor


def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return (mean - shapes).flatten(1) @ modes.flatten(1).T
