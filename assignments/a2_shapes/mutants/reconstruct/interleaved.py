"""The flat answer is read as x and y in turn."""

from torch import Tensor


def reconstruct(codes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return mean + (codes @ modes.flatten(1)).reshape(len(codes), mean.shape[1], 2).transpose(1, 2)
