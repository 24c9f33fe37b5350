"""Adds colours up and hides nothing."""

from torch import Tensor


def paint(coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
    picture = background.clone()
    for s in range(coverages.shape[1]):
        share, colour = coverages[:, s, None], fills[:, s, :, None, None]
        picture = share * colour + picture
    return picture
