"""Exchanges coverage and its complement."""

from torch import Tensor


def paint(coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
    picture = background.clone()
    for s in range(coverages.shape[1]):
        share, colour = coverages[:, s, None], fills[:, s, :, None, None]
        picture = (1 - share) * colour + share * picture
    return picture
