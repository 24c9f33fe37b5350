"""Paints into the background that came in."""

from torch import Tensor


def paint(coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
    picture = background.detach()
    for s in range(coverages.shape[1]):
        share, colour = coverages[:, s, None], fills[:, s, :, None, None]
        picture.mul_(1 - share).add_(share * colour)
    return picture
