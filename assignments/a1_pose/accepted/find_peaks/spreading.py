"""Lets what is beaten spread over its plateau, then the smallest number of a cell over what is left."""

import torch
import torch.nn.functional as F
from torch import Tensor


def find_peaks(heatmaps: Tensor, count: int, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    height, width = heatmaps.shape[-2:]
    values = heatmaps.detach().double()
    peak = largest_around(values) == values
    while True:
        fallen = peak & (largest_around(values.masked_fill(peak, -torch.inf)) == values)
        if not fallen.any():
            break
        peak = peak & ~fallen
    number = -torch.arange(height * width, dtype=torch.float64).reshape(height, width).expand(values.shape)
    first = number.masked_fill(~peak, -torch.inf)
    while not torch.equal(first, wider := largest_around(first).masked_fill(~peak, -torch.inf)):
        first = wider
    peak = (peak & (first == number) & (values >= threshold)).flatten(2)
    ranked = values.flatten(2).masked_fill(~peak, -torch.inf).sort(dim=-1, descending=True, stable=True)
    spare = torch.zeros(*heatmaps.shape[:2], count, dtype=torch.int64)
    order = torch.cat((ranked.indices, spare), dim=-1)[..., :count]
    found = torch.arange(count) < peak.sum(dim=-1, keepdim=True)
    heights = torch.gather(heatmaps.flatten(2), 2, order) * found
    places = torch.stack((order.remainder(width), order.div(width, rounding_mode="floor")), dim=-1)
    return places.masked_fill(~found[..., None], -1), heights, found


def largest_around(maps: Tensor) -> Tensor:
    return F.max_pool2d(maps, kernel_size=3, stride=1, padding=1)
