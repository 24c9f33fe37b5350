"""The handwriting under every distortion: scikit-learn's digits at 28 pixels, split by where they stand in the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

SIZE_PX = 28
TEST_SHARE = 0.2
TRAIN, TEST = 0, 2


@dataclass(frozen=True)
class Base:
    """Undistorted digits: ``img`` uint8 [n, 1, 28, 28], ``label`` uint8 [n] in 0..9, ``split`` uint8 [n], 0 train and 2 test."""

    img: np.ndarray
    label: np.ndarray
    split: np.ndarray

    def members(self, split: int) -> np.ndarray:
        """Return the positions of a split's digits, int64 ascending."""
        return np.flatnonzero(self.split == split)


def enlarged(small: np.ndarray) -> np.ndarray:
    """Return 8 x 8 digits at 28 x 28 with edges as steep as those of a scanned page.

    Args:
        small: float [n, 8, 8], 0 background to 16 ink.

    Returns:
        uint8 [n, 1, 28, 28], 0 background to 255 ink.
    """
    # one pixel of background all round, so that strokes at the border get an edge of their own.
    padded = F.pad(torch.from_numpy(np.ascontiguousarray(small, dtype=np.float64))[:, None] / 16, (1, 1, 1, 1))
    large = F.interpolate(padded, size=(SIZE_PX, SIZE_PX), mode="bicubic", align_corners=False)
    steep = ((large - 0.25) / 0.5).clamp(0, 1)
    return (steep * 255).round().to(torch.uint8).numpy()


def split_by_position(count: int, test_share: float = TEST_SHARE) -> np.ndarray:
    """Return the split of each of ``count`` digits: the last ones of the file are the test set.

    The file does not say who wrote a digit, but its writers follow each other: cut once, at most one of them stands on both sides, where
    drawing lots would put all of them there.

    Returns:
        uint8 [count].
    """
    split = np.full(count, TRAIN, dtype=np.uint8)
    split[count - round(count * test_share) :] = TEST
    return split


def base_digits() -> Base:
    """Return all 1,797 digits."""
    small = load_digits()
    return Base(enlarged(small.images), small.target.astype(np.uint8), split_by_position(len(small.target)))
