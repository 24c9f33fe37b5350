"""Looks for the best matching of all pairs and drops the weak ones only then."""

from itertools import permutations

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    starts, ends = scores.shape
    table, best, answer = scores.tolist(), -float("inf"), [-1] * starts
    for order in permutations(range(max(starts, ends)), starts):
        total = sum(table[start][end] for start, end in enumerate(order) if end < ends)
        if total > best:
            best, answer = total, [end if end < ends and table[start][end] > minimum else -1 for start, end in enumerate(order)]
    return torch.tensor(answer, dtype=torch.int64)
