"""Clutter: pieces of other digits strewn over a picture."""

from __future__ import annotations

import torch
from torch import Tensor

from data_scripts.digits.base import SIZE_PX

PIECE_PX = 6


def with_clutter(pictures: Tensor, pool: Tensor, pieces: int, draws: torch.Generator) -> Tensor:
    """Return the pictures with pieces of other digits strewn over them; the brighter of both shows.

    Args:
        pictures: float32 [n, 1, S, S].
        pool: float32 [m, 1, 28, 28], digits to cut pieces from: those of the same split.
        pieces: how many a picture gets.
        draws: generator.
    """
    count, size_px = len(pictures), pictures.shape[-1]
    rows = torch.arange(PIECE_PX)
    result = pictures.clone()
    number = torch.arange(count)[:, None, None]
    for _ in range(pieces):
        which = torch.randint(len(pool), (count,), generator=draws)
        # the middle of a digit's square, where its strokes are.
        cut = torch.randint(4, SIZE_PX - 4 - PIECE_PX, (count, 2), generator=draws)
        put = torch.randint(size_px - PIECE_PX + 1, (count, 2), generator=draws)
        piece = pool[which[:, None, None], 0, cut[:, 0, None, None] + rows[:, None], cut[:, 1, None, None] + rows]
        y, x = put[:, 0, None, None] + rows[:, None], put[:, 1, None, None] + rows
        result[number, 0, y, x] = torch.maximum(result[number, 0, y, x], piece)
    return result
