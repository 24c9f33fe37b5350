"""For each start in turn: alone, or with any end that is still free."""

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    rows = scores.tolist()

    def best(start, free):
        if start == len(rows):
            return 0.0, []
        total, rest = best(start + 1, free)
        answer = (total, [-1, *rest])
        for end in free:
            if rows[start][end] > minimum:
                total, rest = best(start + 1, free - {end})
                if total + rows[start][end] > answer[0]:
                    answer = (total + rows[start][end], [end, *rest])
        return answer

    return torch.tensor(best(0, frozenset(range(scores.shape[1])))[1], dtype=torch.long)
