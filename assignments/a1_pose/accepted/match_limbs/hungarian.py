"""The Hungarian method: shortest augmenting paths with potentials."""

import math

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    starts, ends = scores.shape
    size = max(starts, ends)
    cost = [[0.0] * (size + 1) for _ in range(size + 1)]
    for i, row in enumerate(scores.tolist()):
        for j, score in enumerate(row):
            cost[i + 1][j + 1] = -score if score > minimum else 0.0
    u, v, owner = [0.0] * (size + 1), [0.0] * (size + 1), [0] * (size + 1)
    for i in range(1, size + 1):
        owner[0], j = i, 0
        least, before, used = [math.inf] * (size + 1), [0] * (size + 1), [False] * (size + 1)
        while owner[j]:
            used[j] = True
            row, step, following = owner[j], math.inf, 0
            for k in range(1, size + 1):
                if not used[k]:
                    reduced = cost[row][k] - u[row] - v[k]
                    if reduced < least[k]:
                        least[k], before[k] = reduced, j
                    if least[k] < step:
                        step, following = least[k], k
            for k in range(size + 1):
                if used[k]:
                    u[owner[k]] += step
                    v[k] -= step
                else:
                    least[k] -= step
            j = following
        while j:
            owner[j] = owner[before[j]]
            j = before[j]
    answer = torch.full((starts,), -1)
    for j in range(1, ends + 1):
        if 1 <= owner[j] <= starts and scores[owner[j] - 1, j - 1] > minimum:
            answer[owner[j] - 1] = j - 1
    return answer
