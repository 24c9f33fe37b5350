"""Finds the row and then the column, with one-hot weights that pick the neighbours."""

import torch
from torch import Tensor


def decode_heatmap(heatmaps: Tensor, method: str = "parabola") -> Tensor:
    row = heatmaps.amax(dim=3).argmax(dim=2)
    line = torch.take_along_dim(heatmaps, row[..., None, None], dim=2)[:, :, 0]  # [B, J, W]
    column = line.argmax(dim=2)
    pillar = torch.take_along_dim(heatmaps, column[..., None, None], dim=3)[..., 0]  # [B, J, H]
    answer = []
    for place, values in ((column, line), (row, pillar)):
        length = values.shape[2]
        near = (place[..., None] + torch.tensor([-1, 0, 1])).clamp(0, length - 1)
        three = torch.take_along_dim(values, near, dim=2)
        shift = torch.zeros_like(three[..., 1])
        if method == "quarter":
            shift = torch.where(three[..., 2] > three[..., 0], 0.25, torch.where(three[..., 2] < three[..., 0], -0.25, 0.0)).to(three.dtype)
        elif method == "parabola":
            three = three.clamp(min=1e-30).log()
            gap = three[..., 1:2] - three[..., ::2]  # how far each neighbour lies below
            both = gap.sum(dim=-1)
            shift = torch.where(both > 0, (gap[..., 0] - gap[..., 1]) / (2 * both), shift)
        answer.append(place + torch.where((place > 0) & (place < length - 1), shift, 0.0))
    return torch.stack(answer, dim=-1)
