"""Distances between closed outlines whose vertices correspond in sequence, but begin anywhere."""

from __future__ import annotations

import torch
from torch import Tensor

from vislab.geometry.arguments import refuse_polygons, refuse_unlike


def start_invariant_distance(first: Tensor, second: Tensor) -> Tensor:
    """Measure how far apart pairs of polygons are when each may begin at any of its vertices.

    The least of the N mean squared distances between ``first`` and ``second`` begun at vertex 0, 1, ..., N − 1. The best start is found
    for all of them at once by a cross-correlation (FFT, O(N log N) for each pair); the distance is then taken of the vertices themselves,
    so that it is never negative, and 0 for equal rings. Differentiable in both arguments; where two starts are equally good, the gradient
    is that of one of them.

    Shapes: B pairs, N vertices.

    Args:
        first: floating, ``[B, 2, N]``, row 0 is x, row 1 is y, vertices in sequence; N at least 1, B may be 0.
        second: like ``first``, in the same unit, dtype and on the same device.

    Returns:
        ``[B]``, squared in the polygons' unit, in their dtype and on their device. The same for every roll of either polygon, but not for
        one that is run the other way round.

    Raises:
        TypeError: an argument that is no floating tensor, or two dtypes.
        ValueError: a shape other than these, or two devices.

    Example:
        >>> triangle = torch.tensor([[[0.0, 4.0, 0.0], [0.0, 0.0, 2.0]]])
        >>> start_invariant_distance(triangle, triangle.roll(1, dims=2) + 1)
        tensor([2.])
    """
    refuse_polygons("first", first)
    refuse_polygons("second", second)
    if second.shape != first.shape:
        raise ValueError(f"second.shape {tuple(second.shape)} must equal first.shape {tuple(first.shape)}; resample one of the two")
    refuse_unlike("second", second, "first", first)
    count = first.shape[2]
    later = torch.arange(count, device=first.device) + _best_start(first.detach(), second.detach())[:, None]
    begun_there = second.gather(2, (later % count)[:, None].expand(-1, 2, -1))
    return (first - begun_there).square().sum(dim=1).mean(dim=1)


def _best_start(first: Tensor, second: Tensor) -> Tensor:
    """Vertices of the second polygons at which they must begin, ``[B]``."""
    if not len(first):
        # PyTorch refuses to transform an empty batch.
        return torch.zeros(0, dtype=torch.long, device=first.device)
    # there is no transform of half precision on a CPU; and far from the origin the products would drown the differences.
    middle = first.mean(dim=2, keepdim=True)
    exact = torch.promote_types(first.dtype, torch.float32)
    a, b = (torch.complex(*(one - middle).to(exact).unbind(dim=1)) for one in (first, second))
    # the real part at place s is the sum of ⟨a_n, b_(n + s)⟩: what a mean squared distance has besides the two sizes.
    return torch.fft.ifft(torch.fft.fft(a).conj() * torch.fft.fft(b)).real.argmax(dim=1)
