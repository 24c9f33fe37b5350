"""One person after the other."""

import torch
from torch import Tensor


def keypoint_scores(
    predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, kappa: Tensor, *, alphas: list[float]
) -> tuple[Tensor, Tensor, Tensor]:
    off, found, similar = [], [], []
    for one, true, seen, size in zip(predicted, target, visible, scale):
        away = (one[seen] - true[seen]).norm(dim=-1)
        off.append(away)
        found.append(torch.stack([(away <= alpha * size).to(away.dtype) for alpha in alphas]))
        good = len(away) > 0 and size > 0
        similar.append(torch.exp(-0.5 * (away / (size * kappa[seen])) ** 2).mean() if good else predicted.new_zeros(()))
    if not off or not sum(len(each) for each in off):
        zero = predicted.new_zeros(())
        return zero, zero, predicted.new_zeros(len(predicted))
    return torch.cat(off).mean(), torch.cat(found, dim=1).mean(), torch.stack(similar)
