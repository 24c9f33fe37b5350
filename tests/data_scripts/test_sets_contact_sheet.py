"""Tiles and spreads of sample sheets."""

from __future__ import annotations

import numpy as np

from data_scripts.contact_sheet import spread, tiles


def test_samples_are_spread_evenly() -> None:
    assert spread(np.arange(10), 5).tolist() == [0, 2, 4, 6, 8]
    assert spread(np.arange(3), 5).tolist() == [0, 1, 2]
    assert len(spread(np.arange(0), 5)) == 0


def test_tiles_stand_row_by_row() -> None:
    pictures = [np.full((2, 3, 3), level, dtype=np.uint8) for level in (10, 20, 30)]
    whole = tiles(pictures, columns=2, gap_px=1)
    assert whole.shape == (7, 9, 3)
    assert whole[1:3, 1:4].max() == 10 and whole[1:3, 5:8].min() == 20 and whole[4:6, 1:4].min() == 30
    assert whole[4:6, 5:8].min() == 255 and whole[0].min() == 255
