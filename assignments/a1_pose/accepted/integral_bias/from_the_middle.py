"""Positions counted from the middle of the map, so that c is zero; flat maps are left out by where."""

import torch
from torch import Tensor


def integral_bias(heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    height, width = heatmaps.shape[-2:]
    flat, low = heatmaps.flatten(2), floor.unsqueeze(-1)
    rise = -torch.expm1(low - flat) * torch.softmax(flat, dim=-1)
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    away = torch.stack((column - (width - 1) / 2, row - (height - 1) / 2), dim=-1).reshape(-1, 2).to(heatmaps.dtype)
    w = rise.sum(dim=-1)
    empty = (flat == low).all(dim=-1)
    bias = -torch.einsum("bjk,kc->bjc", rise, away) * ((1 - w) / torch.where(empty, 1, w))[..., None]
    return torch.where(empty[..., None], 0, bias), torch.where(empty, 0, w)
