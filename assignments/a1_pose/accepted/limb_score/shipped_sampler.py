"""One start at a time with torch's sampler, corner-aligned where the map is wide enough for it."""

import torch
import torch.nn.functional as F
from torch import Tensor


def limb_score(field: Tensor, starts: Tensor, ends: Tensor, samples: int) -> Tensor:
    framed = F.pad(field, (1, 1, 1, 1))
    size = torch.tensor([framed.shape[2] - 1, framed.shape[1] - 1], dtype=field.dtype)
    answer = []
    for start in starts:
        away = ends - start
        places = torch.stack([start + share * away for share in torch.linspace(0, 1, samples, dtype=field.dtype)])
        found = F.grid_sample(framed[None], ((places + 1) / size * 2 - 1)[None], padding_mode="zeros", align_corners=True)[0]
        unit = F.normalize(away, dim=-1, eps=torch.finfo(field.dtype).tiny)
        answer.append((found.mean(dim=1).T * unit).sum(dim=-1))
    return torch.stack(answer) if answer else field.new_zeros(0, len(ends))
