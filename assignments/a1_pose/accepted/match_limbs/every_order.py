"""Tries every order of the ends, with as many empty places as there are starts."""

from itertools import permutations

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    table = [[float(score) if score > minimum else 0.0 for score in row] for row in scores]
    starts, ends = scores.shape
    best, answer = -1.0, [-1] * starts
    for order in permutations(range(max(starts, ends)), starts):
        total = sum(table[start][end] for start, end in enumerate(order) if end < ends)
        if total > best:
            best = total
            answer = [end if end < ends and table[start][end] > 0 else -1 for start, end in enumerate(order)]
    return torch.tensor(answer, dtype=torch.int64)
