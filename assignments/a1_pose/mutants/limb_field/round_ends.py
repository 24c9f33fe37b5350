"""Takes every pixel that is near the limb, so that it reaches beyond the joints by half a width."""

import torch
from torch import Tensor


def limb_field(joints: Tensor, visible: Tensor, limbs: Tensor, height: int, width: int, half_width: float) -> Tensor:
    pixel = torch.stack(torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy")).to(joints.dtype)
    fields = torch.zeros(len(limbs), 2, height, width, dtype=joints.dtype)
    for number, (first, last) in enumerate(limbs.tolist()):
        count = torch.zeros(height, width)
        for person, seen in zip(joints, visible):
            length = (person[last] - person[first]).norm()
            if seen[first] and seen[last] and length > 0:
                unit = ((person[last] - person[first]) / length)[:, None, None]
                away = pixel - person[first][:, None, None]
                along = torch.minimum((away * unit).sum(dim=0).clamp(min=0), length)
                on = (away - along * unit).norm(dim=0) <= half_width
                fields[number] += on * unit
                count += on
        fields[number] /= count.clamp(min=1)
    return fields
