"""Blends with a mask that is the product of two rows of zeros and ones."""

import torch
from torch import Tensor


def occlude(images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
    def between(place: Tensor, low: Tensor, high: Tensor) -> Tensor:
        return (place >= low) & (place < high)

    left, upper, right, lower = boxes.T[:, :, None]
    across = between(torch.arange(images.shape[3])[None], left, right)
    down = between(torch.arange(images.shape[2])[None], upper, lower)
    mask = torch.einsum("bh,bw->bhw", down.to(images.dtype), across.to(images.dtype))[:, None]
    x, y = torch.floor(joints + 0.5).unbind(dim=-1)
    hidden = between(x, left, right) & between(y, upper, lower)
    return images * (1 - mask) + fill[:, :, None, None] * mask, visible & ~hidden
