"""Where one object is, seen from another: left of it, right of it, above it, below it, or none of these clearly."""

from __future__ import annotations

import numpy as np

RELATIONS = ("left of", "right of", "above", "below")
OPPOSITE = (1, 0, 3, 2)
# a relation holds when centres are this far apart along its axis, and this many times as far as across it.
APART_PX = 8.0
TIMES_AS_FAR = 1.5


def relation_of(subject: np.ndarray, other: np.ndarray) -> int | None:
    """Return which relation the subject has to the other, as a place in ``RELATIONS``, or None where none is clear.

    Args:
        subject: box x0, y0, x1, y1 in pixels.
        other: likewise.

    Example:
        >>> RELATIONS[relation_of(np.array([0, 0, 10, 10]), np.array([30, 4, 40, 14]))]
        'left of'
    """
    x, y = ((subject[:2] + subject[2:]) - (other[:2] + other[2:])) / 2
    along, across, negative, positive = (x, y, 0, 1) if abs(x) >= abs(y) else (y, x, 2, 3)
    if abs(along) < APART_PX or abs(along) < TIMES_AS_FAR * abs(across):
        return None
    return negative if along < 0 else positive


def focus(boxes: np.ndarray) -> tuple[int, int, int] | None:
    """Return subject, relation and other of the pair that captions speak of, or None where no pair is clearly related.

    It is the pair with the largest boxes together; its subject is the larger one. Equal ones are told apart by their place.

    Args:
        boxes: [n, 4].
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = sorted(range(len(boxes)), key=lambda row: (-area[row], row))
    pairs = sorted(
        ((first, second) for place, first in enumerate(order) for second in order[place + 1 :]),
        key=lambda pair: -(area[pair[0]] + area[pair[1]]),
    )
    for first, second in pairs:
        which = relation_of(boxes[first], boxes[second])
        if which is not None:
            return first, which, second
    return None
