"""Drawings that exist twice, filled and as an outline: the true twins behind unpaired translation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from data_scripts.icons.likeness import likeness

# twins that look the same teach nothing about turning one into the other.
OVERLAP_MOST = 0.9


def twins(names: Sequence[tuple[str, str]]) -> np.ndarray:
    """Return the rows of drawings that exist filled and outlined.

    In the family "material" the outlined twin of ``cat`` is ``cat-outline``; Font Awesome's has the same name in its regular style.

    Args:
        names: family and name of every drawing.

    Returns:
        int64 [pairs, 2]: row of the filled drawing, row of the outlined one, in the order of the filled ones. No row comes twice.

    Example:
        >>> twins([("material", "cat"), ("material", "dog"), ("material", "cat-outline")]).tolist()
        [[0, 2]]
    """
    row: Mapping[tuple[str, str], int] = {name: number for number, name in enumerate(names)}
    found = []
    for number, (family, name) in enumerate(names):
        other = {"material": ("material", f"{name}-outline"), "fontawesome-solid": ("fontawesome-regular", name)}.get(family)
        if other is not None and other in row and not (family == "material" and name.endswith("-outline")):
            found.append((number, row[other]))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def telling(pairs: np.ndarray, pictures: np.ndarray, most: float = OVERLAP_MOST) -> np.ndarray:
    """Return the pairs whose bitmaps differ enough.

    Args:
        pairs: int64 [pairs, 2] rows.
        pictures: float32 [n, pixels] as of :func:`data_scripts.icons.likeness.levels`.
        most: pairs more alike than this are dropped.

    Returns:
        int64 [kept, 2].
    """
    alike = [float(likeness(pictures[first, None], pictures[second, None])[0, 0]) for first, second in pairs]
    return pairs[np.array(alike) <= most] if len(pairs) else pairs
