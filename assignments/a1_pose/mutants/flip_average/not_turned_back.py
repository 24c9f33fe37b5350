"""Exchanges channels of maps that still stand in the mirror."""

from torch import Tensor


def flip_average(maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
    return (maps + mirrored[:, twin]) / 2
