"""One function of an axis: a soft-max of the logarithms in sum mode, their exponential in peak mode."""

import torch
from torch import Tensor


def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    def along(place: Tensor, length: int) -> Tensor:
        away = torch.arange(length, dtype=poses.dtype, device=poses.device) - place[..., None]
        log = -0.5 * (away / sigma).square()
        return log.softmax(dim=-1) if mode == "sum" else log.exp()

    shown = visible[..., None, None]
    safe = poses.masked_fill(~visible[..., None], 0.0)
    return torch.einsum("bjy,bjx->bjyx", along(safe[..., 1], height), along(safe[..., 0], width)).masked_fill(~shown, 0.0)
