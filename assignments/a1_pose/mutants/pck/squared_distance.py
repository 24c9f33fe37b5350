"""Forgets the root."""

from torch import Tensor


def pck(predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
    off = (predicted[visible] - target[visible]).square().sum(dim=-1)
    allowed = (alpha * scale)[:, None].expand(visible.shape)[visible]
    found = (off <= allowed).to(predicted.dtype)
    return found.sum() / max(1, found.numel())
