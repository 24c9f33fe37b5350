"""Mode by mode."""

import torch
from torch import Tensor


def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    if len(modes) == 0:
        return shapes.new_zeros(len(shapes), 0)
    return torch.stack([((shapes - mean) * mode).sum(dim=(1, 2)) for mode in modes], dim=1)
