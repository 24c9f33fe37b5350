"""Exchanges channels by indexing."""

from torch import Tensor


def flip_average(maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
    return 0.5 * (maps + mirrored.flip(-1)[:, twin])
