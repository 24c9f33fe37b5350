"""Prefers two weak pairs to a strong one: first the number of pairs, then their sum."""

from itertools import permutations

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    starts, ends = scores.shape
    table, best, answer = scores.tolist(), (-1, 0.0), [-1] * starts
    for order in permutations(range(max(starts, ends)), starts):
        choice = [end if end < ends and table[start][end] > minimum else -1 for start, end in enumerate(order)]
        value = (sum(end >= 0 for end in choice), sum(table[start][end] for start, end in enumerate(choice) if end >= 0))
        if value > best:
            best, answer = value, choice
    return torch.tensor(answer, dtype=torch.int64)
