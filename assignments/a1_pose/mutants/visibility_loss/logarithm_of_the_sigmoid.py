"""Takes the logarithm of a probability that may be zero."""

import torch
from torch import Tensor


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    share = torch.sigmoid(logits)
    each = -torch.where(visible, torch.log(share), torch.log(1 - share))
    return each.sum() / max(1, each.numel())
