"""Lets every start in turn take the best end that is still free."""

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    answer = torch.full((len(scores),), -1)
    free = set(range(scores.shape[1]))
    for start, row in enumerate(scores.tolist()):
        allowed = [end for end in free if row[end] > minimum]
        if allowed:
            answer[start] = max(allowed, key=row.__getitem__)
            free.remove(int(answer[start]))
    return answer
