"""Adds up in float32, and takes the last of two matchings that look alike."""

from itertools import permutations

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    starts, ends = scores.shape
    table = torch.where(scores > minimum, scores, 0.0).float()
    orders = list(permutations(range(max(starts, ends)), starts))
    padded = torch.cat((table, torch.zeros(starts, max(0, starts - ends))), dim=1)
    totals = torch.stack([sum((padded[start, end] for start, end in enumerate(order)), torch.zeros(())) for order in orders])
    last = max(index for index in range(len(orders)) if totals[index] >= totals.max() - 1e-6)
    order = orders[last]
    answer = [end if end < ends and table[start, end] > 0 else -1 for start, end in enumerate(order)]
    return torch.tensor(answer, dtype=torch.int64)
