"""Which drawings are for training, validation and test: whole groups of like ones, so that no test drawing has a twin in training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

TRAIN, VALIDATION, TEST = 0, 1, 2
SHARE = 0.1
# a group larger than this share (squares and discs with something inside, say) would be a whole test set by itself.
LARGEST_HELD_OUT = 0.01


def split_groups(group: np.ndarray, names: Sequence[str], seed: int) -> np.ndarray:
    """Return the split of every drawing; all members of a group are in one.

    Groups are drawn by a hash of the seed and their first member's name, so that a drawing more or less moves few others. Test is filled
    first, then validation, each to a tenth of the drawings. Groups larger than a hundredth of all drawings are for training.

    Args:
        group: int [n] group numbers.
        names: a name for each drawing, all different.
        seed: any int.

    Returns:
        uint8 [n], 0 train, 1 validation, 2 test.
    """
    count = len(group)
    split = np.full(count, TRAIN, dtype=np.uint8)
    labels, first, inverse, size = np.unique(group, return_index=True, return_inverse=True, return_counts=True)
    tickets = [hashlib.sha256(f"{seed}/{names[row]}".encode()).digest() for row in first]
    wanted = count * SHARE
    held = {TEST: 0, VALIDATION: 0}
    chosen = np.full(len(labels), TRAIN, dtype=np.uint8)
    for label in sorted(range(len(labels)), key=tickets.__getitem__):
        if size[label] > max(1, count * LARGEST_HELD_OUT):
            continue
        for which in (TEST, VALIDATION):
            if held[which] + size[label] <= wanted:
                held[which] += int(size[label])
                chosen[label] = which
                break
    split[:] = chosen[inverse]
    return split
