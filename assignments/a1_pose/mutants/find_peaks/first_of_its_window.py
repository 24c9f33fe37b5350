"""Breaks ties inside the window alone: a large plateau is reported several times."""

import torch
import torch.nn.functional as F
from torch import Tensor


def find_peaks(heatmaps: Tensor, count: int, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.flatten(2)
    padded = F.pad(heatmaps, (1, 1, 1, 1), value=-torch.inf)
    earlier = [padded[..., 0:height, x : x + width] for x in range(3)] + [padded[..., 1 : height + 1, 0:width]]
    later = (torch.stack(earlier).amax(dim=0) == heatmaps).flatten(2)
    beaten = (F.max_pool2d(heatmaps, 3, stride=1, padding=1) > heatmaps).flatten(2)
    peak = ~later & ~beaten & (flat >= threshold)
    order = flat.masked_fill(~peak, -torch.inf).argsort(dim=2, descending=True, stable=True)[..., :count]
    places = torch.stack((order % width, order // width), dim=-1)
    short = count - order.shape[2]
    found = F.pad(peak.gather(2, order), (0, short))
    heights = F.pad(flat.gather(2, order), (0, short))
    places = F.pad(places, (0, 0, 0, short))
    return torch.where(found[..., None], places, -1), torch.where(found, heights, 0.0), found
