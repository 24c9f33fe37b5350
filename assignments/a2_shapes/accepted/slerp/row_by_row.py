"""Row by row, with a branch."""

import torch
from torch import Tensor


def slerp(first: Tensor, second: Tensor, t: float) -> Tensor:
    rows = [(1 - t) * first + t * second] if len(first) == 0 else []
    for one, two in zip(first, second):
        size = float(one.detach().norm() * two.detach().norm())
        if size == 0 or abs(float(one.detach() @ two.detach())) / size > 1 - 1e-5:
            rows.append(((1 - t) * one + t * two)[None])
        else:
            angle = torch.acos(one @ two / (one.norm() * two.norm()))
            rows.append(((torch.sin((1 - t) * angle) * one + torch.sin(t * angle) * two) / torch.sin(angle))[None])
    return torch.cat(rows)
