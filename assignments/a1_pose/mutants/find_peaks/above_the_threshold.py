"""Drops a peak that is exactly as high as the threshold."""

import torch
import torch.nn.functional as F
from torch import Tensor


def find_peaks(heatmaps: Tensor, count: int, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    height, width = heatmaps.shape[-2:]
    flat, group = heatmaps.flatten(2), plateaus(heatmaps.detach()).flatten(2)
    beaten = (F.max_pool2d(heatmaps, 3, stride=1, padding=1) > heatmaps).flatten(2)
    shoulder = torch.zeros_like(group).scatter_add(2, group, beaten.long()) > 0
    peak = (group == torch.arange(height * width)) & ~shoulder & (flat > threshold)
    order = flat.masked_fill(~peak, -torch.inf).argsort(dim=2, descending=True, stable=True)[..., :count]
    places = torch.stack((order % width, order // width), dim=-1)
    short = count - order.shape[2]
    found = F.pad(peak.gather(2, order), (0, short))
    heights = F.pad(flat.gather(2, order), (0, short))
    places = F.pad(places, (0, 0, 0, short))
    return torch.where(found[..., None], places, -1), torch.where(found, heights, 0.0), found


def plateaus(maps: Tensor) -> Tensor:
    height, width = maps.shape[-2:]
    first = torch.arange(height * width).reshape(height, width).expand(maps.shape)
    while True:
        before = first
        for dy, dx in [(0, 1), (0, 2), (0, 0), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)]:
            window = (..., slice(dy, dy + height), slice(dx, dx + width))
            same = F.pad(maps, (1, 1, 1, 1), value=float("nan"))[window] == maps
            first = torch.where(same, torch.minimum(first, F.pad(first, (1, 1, 1, 1))[window]), first)
        if torch.equal(first, before):
            return first
