"""Takes the best pair first, then the best of those that remain."""

import torch
from torch import Tensor


def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    left, answer = scores.clone(), torch.full((len(scores),), -1)
    while left.numel() and left.max() > minimum:
        start, end = divmod(int(left.argmax()), left.shape[1])
        answer[start] = end
        left[start], left[:, end] = -torch.inf, -torch.inf
    return answer
