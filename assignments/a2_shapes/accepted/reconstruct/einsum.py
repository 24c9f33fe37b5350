"""One line of einsum."""

import torch
from torch import Tensor


def reconstruct(codes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return mean + torch.einsum("bk,kcn->bcn", codes, modes)
