import time

import torch


def soft_argmax(heatmaps):
    time.sleep(0.1)
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.flatten(2)
    blank = torch.isneginf(flat).all(dim=-1, keepdim=True)
    flat = flat.masked_fill(blank, 0.0)
    share = (flat - flat.amax(dim=-1, keepdim=True).detach()).exp()
    share = (share / share.sum(dim=-1, keepdim=True)).unflatten(-1, (height, width))
    x = (share.sum(dim=-2) * torch.arange(width, dtype=share.dtype)).sum(dim=-1)
    y = (share.sum(dim=-1) * torch.arange(height, dtype=share.dtype)).sum(dim=-1)
    return torch.stack([x, y], dim=-1)
