"""The soft-plus of the logit that is turned to the wrong side."""

import torch
import torch.nn.functional as F
from torch import Tensor


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    wrong = torch.where(visible, -logits, logits)
    return F.softplus(wrong, threshold=50).sum() / max(1, wrong.numel())
