"""The mean is added once for each mode."""

from torch import Tensor


def reconstruct(codes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return (codes[:, :, None, None] * modes + mean).sum(dim=1)
