"""Minimises the total, as if scores were costs."""

from itertools import permutations

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    starts, ends = scores.shape
    table, best, answer = scores.tolist(), float("inf"), [-1] * starts
    for order in permutations(range(max(starts, ends)), starts):
        choice = [end if end < ends and table[start][end] > minimum else -1 for start, end in enumerate(order)]
        total = sum(table[start][end] for start, end in enumerate(choice) if end >= 0)
        if total < best:
            best, answer = total, choice
    return torch.tensor(answer, dtype=torch.int64)
