"""All limbs of all people at once, with squared lengths and no division before the end."""

import torch
from torch import Tensor


def limb_field(joints: Tensor, visible: Tensor, limbs: Tensor, height: int, width: int, half_width: float) -> Tensor:
    seen = visible[:, limbs].all(dim=2)  # [P, L]
    ends = torch.where(seen[..., None, None], joints[:, limbs], torch.zeros((), dtype=joints.dtype))
    start, away = ends[:, :, 0], ends[:, :, 1] - ends[:, :, 0]
    square = torch.einsum("plc,plc->pl", away, away)
    pixel = torch.stack(torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy"), dim=-1).to(joints.dtype)
    relative = pixel[None, None] - start[:, :, None, None]
    along = torch.einsum("plhwc,plc->plhw", relative, away)
    beside = torch.einsum("plhwc,plc->plhw", relative, torch.stack((away[..., 1], -away[..., 0]), dim=-1))
    limit = square[..., None, None]
    on = (along >= 0) & (along <= limit) & (beside.square() <= half_width**2 * limit) & (limit > 0)
    unit = away / square.sqrt().clamp(min=torch.finfo(joints.dtype).tiny)[..., None]
    total = torch.einsum("plhw,plc->lchw", on.to(joints.dtype), unit)
    return total / on.sum(dim=0).clamp(min=1)[:, None].to(joints.dtype)
