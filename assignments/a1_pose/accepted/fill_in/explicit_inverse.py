"""One person at a time, with the inverse of the visible block."""

import torch
from torch import Tensor


def fill_in(joints: Tensor, visible: Tensor, mean: Tensor, covariance: Tensor, jitter: float) -> tuple[Tensor, Tensor]:
    people, count = visible.shape
    flat, centre = joints.reshape(people, 2 * count), mean.reshape(2 * count)
    rows, spreads = [], []
    for person in range(people):
        v = [2 * j + axis for j in range(count) for axis in (0, 1) if visible[person, j]]
        o = [k for k in range(2 * count) if k not in v]
        row = centre.clone()
        spread = torch.zeros_like(covariance)
        inverse = torch.linalg.inv(covariance[v][:, v] + jitter * torch.eye(len(v), dtype=joints.dtype))
        row[o] = centre[o] + covariance[o][:, v] @ inverse @ (flat[person, v] - centre[v])
        row[v] = flat[person, v]
        rest = covariance[o][:, o] - covariance[o][:, v] @ inverse @ covariance[v][:, o]
        spread[torch.tensor(o, dtype=torch.long)[:, None], torch.tensor(o, dtype=torch.long)] = rest
        rows.append(row)
        spreads.append(spread)
    if not rows:
        return joints.new_zeros(0, count, 2), joints.new_zeros(0, 2 * count, 2 * count)
    return torch.stack(rows).reshape(people, count, 2), torch.stack(spreads)
