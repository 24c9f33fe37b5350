"""Returns the share of the background where the bump's is asked."""

import torch
from torch import Tensor


def integral_bias(heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    height, width = heatmaps.shape[-2:]
    logits, ground = heatmaps.flatten(2), floor[..., None]
    flat = (logits == ground).all(dim=-1, keepdim=True)
    logits, ground = logits.masked_fill(flat, 0.0), ground.masked_fill(flat, 0.0)
    top = logits.amax(dim=-1, keepdim=True)
    weight = torch.exp(logits - top)
    rise = weight * -torch.expm1(ground - logits)
    share = rise.sum(dim=-1) / weight.sum(dim=-1)
    cell = torch.arange(height * width)
    place = torch.stack((cell % width, cell // width), dim=-1).to(heatmaps.dtype)
    position = rise @ place / rise.sum(dim=-1, keepdim=True).masked_fill(flat, 1.0)
    middle = place.new_tensor([(width - 1) / 2, (height - 1) / 2])
    bias = (1 - share)[..., None] * (middle - position)
    return bias.masked_fill(flat, 0.0), 1 - share
