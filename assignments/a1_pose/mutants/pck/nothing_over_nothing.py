"""0 / 0 where nobody is visible."""

import torch
from torch import Tensor


def pck(predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
    off = torch.linalg.vector_norm(predicted[visible] - target[visible], dim=-1)
    allowed = (alpha * scale)[:, None].expand(visible.shape)[visible]
    found = (off <= allowed).to(predicted.dtype)
    return found.mean()
