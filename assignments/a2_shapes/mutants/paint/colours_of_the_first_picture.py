"""Paints every picture in the colours of the first."""

from torch import Tensor


def paint(coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
    picture = background.clone()
    for s in range(coverages.shape[1]):
        share, colour = coverages[:, s, None], fills[:1, s, :, None, None]
        picture = share * colour + (1 - share) * picture
    return picture
