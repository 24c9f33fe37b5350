"""Mode by mode."""

from torch import Tensor


def reconstruct(codes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    shapes = mean.expand(len(codes), *mean.shape)
    for code, mode in zip(codes.T, modes):
        shapes = shapes + code[:, None, None] * mode
    return shapes.clone()
