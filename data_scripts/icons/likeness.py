"""How alike drawings are, which of them are one and the same, and groups of like ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

LEVELS = 15
_BLOCK = 1024


def levels(alpha: np.ndarray) -> np.ndarray:
    """Return coverage in 16 steps, one row a drawing.

    Args:
        alpha: uint8 [n, ...].

    Returns:
        float32 [n, pixels] of whole numbers 0 to 15. A dot product of two rows stays below 2^24 up to 74,000 pixels, so float32 adds it
        exactly in whatever order the machine's matrix product takes: the groups do not depend on the machine.
    """
    flat = alpha.reshape(len(alpha), int(np.prod(alpha.shape[1:])))
    return ((flat.astype(np.uint16) * LEVELS + 127) // 255).astype(np.float32)


def likeness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the likeness of every row of one with every row of the other.

    It is ab / (aa + bb - ab), the Tanimoto coefficient: intersection over union of black and white pictures; for grey ones, too, 1
    means equal.

    Args:
        first: float32 [n, pixels] as of :func:`levels`.
        second: float32 [m, pixels].

    Returns:
        float64 [n, m] in [0, 1]; two empty pictures are alike (1).
    """
    both = (first @ second.T).astype(np.float64)
    norm_first, norm_second = (np.einsum("ij,ij->i", rows, rows).astype(np.float64) for rows in (first, second))
    either = norm_first[:, None] + norm_second[None] - both
    return np.divide(both, either, out=np.ones_like(both), where=either > 0)


def alike(pictures: np.ndarray, least: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the pairs whose likeness is ``least`` or more, block by block.

    Args:
        pictures: float32 [n, pixels] as of :func:`levels`.
        least: in (0, 1].

    Yields:
        i int64, j int64 and likeness float64, of equal length, i and j different; each pair once, in either order.
    """
    norms = np.einsum("ij,ij->i", pictures, pictures).astype(np.float64)
    order = np.argsort(norms, kind="stable")
    ordered, sizes = pictures[order], norms[order]
    for row in range(0, len(order), _BLOCK):
        for column in range(row, len(order), _BLOCK):
            # ab <= sqrt(aa bb), so likeness <= 1 / (q + 1/q - 1) with q = sqrt(bb / aa): sorted by size, most blocks need no product.
            largest, smallest = sizes[min(row + _BLOCK, len(order)) - 1], sizes[column]
            ratio = np.sqrt(smallest / largest) if largest > 0 else 1.0
            if column > row and 1 / (ratio + 1 / ratio - 1) < least * (1 - 1e-9):
                break
            table = likeness(ordered[row : row + _BLOCK], ordered[column : column + _BLOCK])
            if column == row:
                table = np.triu(table, 1)
            i, j = np.nonzero(table >= least)
            yield order[row + i], order[column + j], table[i, j]


def components(count: int, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return group numbers: whatever is joined by a chain of pairs shares one.

    Args:
        count: how many things there are.
        pairs: arrays i and j of things that belong together.

    Returns:
        int32 [count], numbered from 0 by each group's first member.
    """
    i = np.concatenate([pair[0] for pair in pairs]) if pairs else np.zeros(0, dtype=np.int64)
    j = np.concatenate([pair[1] for pair in pairs]) if pairs else np.zeros(0, dtype=np.int64)
    graph = coo_array((np.ones(len(i), dtype=np.int8), (i, j)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    return rank[inverse]


def leaders(count: int, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return which things stay when everything that is paired with an earlier one that stays is dropped.

    Args:
        count: how many things there are.
        pairs: arrays i and j of things too alike to have both.

    Returns:
        bool [count]. A chain does not pull in its far end: of a-b, b-c the things a and c stay.
    """
    earlier: dict[int, list[int]] = {}
    for i, j in pairs:
        for first, second in zip(np.minimum(i, j).tolist(), np.maximum(i, j).tolist()):
            earlier.setdefault(second, []).append(first)
    keep = np.ones(count, dtype=bool)
    for thing in sorted(earlier):
        keep[thing] = not any(keep[before] for before in earlier[thing])
    return keep


def nearest(pictures: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Return how alike each picture is to the most alike one of another split.

    Args:
        pictures: float32 [n, pixels] as of :func:`levels`.
        split: int [n].

    Returns:
        float64 [n]; 0 where there is no other split.
    """
    best = np.zeros(len(pictures))
    for number in np.unique(split):
        mine, others = np.flatnonzero(split == number), np.flatnonzero(split != number)
        if not len(others):
            continue
        for start in range(0, len(mine), _BLOCK):
            rows = mine[start : start + _BLOCK]
            best[rows] = likeness(pictures[rows], pictures[others]).max(axis=1)
    return best
