"""One line of einsum."""

import torch
from torch import Tensor


def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    return torch.einsum("bcn,kcn->bk", shapes - mean, modes)
