"""Pairs everybody it can, also below the threshold."""

from itertools import permutations

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    starts, ends = scores.shape
    table, best, answer = scores.tolist(), -float("inf"), [-1] * starts
    for order in permutations(range(max(starts, ends)), starts):
        total = sum(table[start][end] for start, end in enumerate(order) if end < ends)
        if total > best:
            best, answer = total, [end if end < ends else -1 for end in order]
    return torch.tensor(answer, dtype=torch.int64)
