"""Solves in float32, whatever comes in."""

import torch
from torch import Tensor


def fill_in(joints: Tensor, visible: Tensor, mean: Tensor, covariance: Tensor, jitter: float) -> tuple[Tensor, Tensor]:
    filled = mean.expand(joints.shape).flatten(1).clone()
    spread = torch.zeros(len(joints), *covariance.shape, dtype=joints.dtype)
    for person, seen in enumerate(visible.repeat_interleave(2, dim=1)):
        known, hidden = torch.nonzero(seen)[:, 0], torch.nonzero(~seen)[:, 0]
        inner = covariance[known][:, known] + jitter * torch.eye(len(known), dtype=joints.dtype)
        gain = torch.linalg.solve(inner.float(), covariance[known][:, hidden].float()).T.to(joints.dtype)
        away = joints[person].flatten()[known] - mean.flatten()[known]
        filled[person, hidden] = mean.flatten()[hidden] + gain @ away
        filled[person, known] = joints[person].flatten()[known]
        rest = covariance[hidden][:, hidden] - gain @ covariance[known][:, hidden]
        spread[person, hidden[:, None], hidden] = rest
    return filled.reshape(joints.shape), spread
