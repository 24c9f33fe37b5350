"""Everybody at once: rows and columns of hidden joints are replaced by those of the identity, which then have no say."""

import torch
from torch import Tensor


def fill_in(joints: Tensor, visible: Tensor, mean: Tensor, covariance: Tensor, jitter: float) -> tuple[Tensor, Tensor]:
    seen = visible.repeat_interleave(2, dim=1)  # [P, D]
    both = seen[:, :, None] & seen[:, None]
    one = torch.eye(mean.numel(), dtype=joints.dtype)
    inner = torch.where(both, covariance + jitter * one, one)
    across = torch.where(~seen[:, :, None] & seen[:, None], covariance, 0.0)  # hidden rows, visible columns
    offset = torch.where(seen, joints.flatten(1) - mean.flatten(), 0.0)
    factor = torch.linalg.cholesky(inner)
    answer = mean.flatten() + (across @ torch.cholesky_solve(offset[..., None], factor))[..., 0]
    rest = covariance - across @ torch.cholesky_solve(across.mT, factor)
    neither = ~seen[:, :, None] & ~seen[:, None]
    filled = torch.where(seen, joints.flatten(1), answer)
    return filled.reshape(joints.shape), torch.where(neither, rest, 0.0)
