"""The mean over coordinates, not their sum."""

from torch import Tensor


def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return ((shapes - mean)[:, None] * modes).mean(dim=(2, 3))
