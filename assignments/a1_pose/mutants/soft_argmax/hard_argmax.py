"""Returns the highest cell: whole pixels, and no gradient."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    width = heatmaps.shape[-1]
    index = heatmaps.flatten(2).argmax(dim=-1)
    return torch.stack((index % width, index // width), dim=-1).to(heatmaps.dtype)
