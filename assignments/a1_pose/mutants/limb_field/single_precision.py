"""Makes its grid, and with it everything else, in float32."""

import torch
from torch import Tensor


def limb_field(joints: Tensor, visible: Tensor, limbs: Tensor, height: int, width: int, half_width: float) -> Tensor:
    pixel = torch.stack(torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy")).float()
    fields = torch.zeros(len(limbs), 2, height, width)
    for number, (first, last) in enumerate(limbs.tolist()):
        count = torch.zeros(height, width)
        for person, seen in zip(joints.float(), visible):
            length = (person[last] - person[first]).norm()
            if seen[first] and seen[last] and length > 0:
                unit = ((person[last] - person[first]) / length)[:, None, None]
                away = pixel - person[first][:, None, None]
                along, beside = (away * unit).sum(dim=0), away[0] * unit[1] - away[1] * unit[0]
                on = (along >= 0) & (along <= length) & (beside.abs() <= half_width)
                fields[number] += on * unit
                count += on
        fields[number] /= count.clamp(min=1)
    return fields.to(joints.dtype)
