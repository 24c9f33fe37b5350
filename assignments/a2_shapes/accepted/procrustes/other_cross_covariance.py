"""Decomposes the transposed matrix, and guards the other factor."""

import torch


def procrustes(source, target):
    size = source.shape[1]
    p, q = source.mean(dim=-1), target.mean(dim=-1)
    x, y = source - p[..., None], target - q[..., None]
    u, s, vh = torch.linalg.svd(torch.einsum("bin,bjn->bij", x, y))
    v = vh.mT
    last = torch.det(v @ u.mT)
    guard = torch.cat((torch.ones(len(source), size - 1, dtype=s.dtype), last[:, None].round()), dim=1)
    rotation = torch.einsum("bij,bj,bkj->bik", v, guard, u)
    total = x.pow(2).sum(dim=(1, 2))
    flat = total == 0
    scale = torch.where(flat, 1.0, (s * guard).sum(dim=1) / total.masked_fill(flat, 1.0))
    rotation = torch.where(flat[:, None, None], torch.eye(size, dtype=s.dtype), rotation)
    return scale, rotation, q - scale[:, None] * torch.einsum("bij,bj->bi", rotation, p)
