"""Reads the even-odd rule off the sign of the ready distance, and winds by hand for the other."""

import torch
from torch import Tensor

from vislab.geometry.outlines import signed_distance


def inside(points: Tensor, polygons: Tensor, rule: str) -> Tensor:
    if rule == "even_odd":
        return signed_distance(points, polygons) < 0
    first = polygons.mT[:, None] - points[:, None]
    last = first.roll(-1, dims=2)
    turn = torch.atan2(first[..., 0] * last[..., 1] - first[..., 1] * last[..., 0], (first * last).sum(dim=-1))
    return (turn.sum(dim=2) / (2 * torch.pi)).round() != 0
