"""The first mode alone."""

from torch import Tensor


def reconstruct(codes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return mean + (codes[:, :1] @ modes[:1].flatten(1)).reshape(-1, *mean.shape)
