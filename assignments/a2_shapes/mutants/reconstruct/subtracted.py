"""The modes are subtracted."""

from torch import Tensor


def reconstruct(codes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return mean - (codes @ modes.flatten(1)).reshape(-1, *mean.shape)
