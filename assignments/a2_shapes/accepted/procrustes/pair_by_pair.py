"""Loops over the batch; the guard flips a column."""

import torch


def procrustes(source, target):
    scales, rotations, translations = [], [], []
    for x, y in zip(source, target):
        p, q = x.mean(1), y.mean(1)
        x, y = x - p[:, None], y - q[:, None]
        total = (x * x).sum()
        if total == 0:
            scale, rotation = torch.ones((), dtype=x.dtype), torch.eye(len(x), dtype=x.dtype)
        else:
            u, _, vh = torch.linalg.svd(torch.einsum("in,jn->ij", y, x))
            flip = torch.ones(len(x), dtype=x.dtype)
            flip[-1] = torch.sign(torch.linalg.det(u) * torch.linalg.det(vh))
            rotation = torch.einsum("ij,j,jk->ik", u, flip, vh)
            scale = (y * (rotation @ x)).sum() / total
        scales.append(scale)
        rotations.append(rotation)
        translations.append(q - scale * (rotation @ p))
    if not scales:
        size = source.shape[1]
        return source.new_zeros(0), source.new_zeros(0, size, size), source.new_zeros(0, size)
    return torch.stack(scales), torch.stack(rotations), torch.stack(translations)
