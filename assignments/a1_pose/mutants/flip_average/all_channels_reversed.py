"""Takes the reverse order of joints for the exchange."""

from torch import Tensor


def flip_average(maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
    return (maps + mirrored.flip(1).flip(-1)) / 2
