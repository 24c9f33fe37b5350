"""Adds, and does not halve."""

from torch import Tensor


def flip_average(maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
    return maps + mirrored[:, twin].flip(-1)
