"""Takes the exponential of any logit."""

import torch
from torch import Tensor


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    each = torch.log(1 + torch.exp(logits)) - logits * visible
    return each.sum() / max(1, each.numel())
