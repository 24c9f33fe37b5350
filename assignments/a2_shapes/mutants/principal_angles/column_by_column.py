"""The angle of each column with its partner."""

import torch
from torch import Tensor


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    return torch.acos(torch.nn.functional.cosine_similarity(first, second, dim=0).abs()).sort().values
