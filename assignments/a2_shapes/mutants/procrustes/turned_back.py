"""Transposes the rotation."""

import torch


def procrustes(source, target):
    middle, goal = source.mean(dim=2, keepdim=True), target.mean(dim=2, keepdim=True)
    x, y = source - middle, target - goal
    left, sizes, right = torch.linalg.svd(y @ x.mT)
    signs = torch.ones_like(sizes)
    signs[:, -1] = torch.linalg.det(left @ right).sign()
    size = x.square().sum(dim=(1, 2))
    scale = (signs * sizes).sum(dim=1) / torch.where(size > 0, size, 1.0)
    scale = torch.where(size > 0, scale, 1.0)
    rotation = ((left * signs[:, None]) @ right).mT
    rotation = torch.where((size > 0)[:, None, None], rotation, torch.eye(source.shape[1], dtype=source.dtype))
    translation = (goal - scale[:, None, None] * rotation @ middle)[:, :, 0]
    return scale, rotation, translation
