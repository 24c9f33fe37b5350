"""Takes a mean that does not exist where there are no people."""

import torch
from torch import Tensor


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    each = logits.clamp(min=0) - logits * visible.float() + torch.log(1 + torch.exp(-logits.abs()))
    return each.mean()
