"""Flips rows."""

from torch import Tensor


def flip_average(maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
    return (maps + mirrored[:, twin].flip(-2)) / 2
