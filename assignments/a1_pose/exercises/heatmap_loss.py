"""Extension: four ways to compare a predicted map with a target map."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def log_shares(logits: Tensor) -> Tensor:
    """Logarithm of the spatial soft-max, ``[B, J, H W]``."""
    flat = logits.flatten(2)
    flat = flat - flat.amax(dim=-1, keepdim=True).detach()
    return flat - torch.exp(flat).sum(dim=-1, keepdim=True).log()


def weighted(weights: Tensor, values: Tensor) -> Tensor:
    """Sum of products per map; a weight of 0 counts for 0 whatever it multiplies, also in the gradient."""
    nothing = weights == 0
    return (weights.masked_fill(nothing, 0.0) * values.masked_fill(nothing, 0.0)).sum(dim=-1)


def entropy(target: Tensor) -> Tensor:
    """Entropy of each target map, ``[B, J]``."""
    return -weighted(target, torch.log(target.masked_fill(target == 0, 1.0)))


def loss(logits: Tensor, target: Tensor, kind: str) -> Tensor:
    """One number for each map, ``[B, J]``."""
    said, flat = log_shares(logits), target.flatten(2)
    if kind == "mse":
        return (torch.exp(said) - flat).square().mean(dim=-1)
    if kind == "ce":
        return -weighted(flat, said)
    if kind == "kl":
        return -weighted(flat, said) - entropy(flat)
    share = torch.exp(said)
    # where both are zero there is nothing to compare.
    middle = torch.where((share + flat) > 0, (share + flat) / 2, 1.0).log()
    return (weighted(flat, -middle) - entropy(flat) + weighted(share, said - middle)) / 2


def blobs(draw: Draw, batch: int, joints: int, height: int, width: int, cut: float = 0.0) -> Tensor:
    """Targets: Gaussian bumps that sum to one; what is smaller than ``cut`` of the highest cell is exactly zero."""
    x = torch.arange(width, dtype=torch.float64) - draw.uniform(0.2 * width, 0.8 * width, batch, joints, 1, 1)
    y = torch.arange(height, dtype=torch.float64)[:, None] - draw.uniform(0.2 * height, 0.8 * height, batch, joints, 1, 1)
    maps = torch.exp(-(x**2 + y**2) / (2 * 1.8**2))
    maps = torch.where(maps < cut, 0.0, maps)
    return maps / maps.sum(dim=(2, 3), keepdim=True)


def maps(kind: str, batch: int, joints: int, height: int, width: int, cut: float = 0.0, spread: float = 1.5):
    """Case material: independent logits against ``blobs``."""
    return lambda draw: Inputs(
        (draw.normal(batch, joints, height, width, std=spread), blobs(draw, batch, joints, height, width, cut)), {"kind": kind}
    )


def equal(kind: str):
    """Case material: logits whose soft-max is the target."""

    def material(draw: Draw) -> Inputs:
        target = blobs(draw, 3, 4, 9, 14)
        return Inputs((target.log() + draw.normal(3, 4, 1, 1, std=3.0), target), {"kind": kind})

    return material


def single(kind: str, level: float):
    """Case material: logits of plus and minus ``level``, all of the target in one cell."""

    def material(draw: Draw) -> Inputs:
        sign = torch.where(draw.mask(0.5, 3, 4, 7, 10), 1.0, -1.0)
        sign[..., 0, 0], sign[..., -1, -1] = 1.0, -1.0
        target = torch.zeros(3, 4, 7, 10, dtype=torch.float64)
        target[..., 2, 5], target[..., 4, 3] = 0.75, 0.25
        return Inputs((level * sign + draw.normal(3, 4, 7, 10), target), {"kind": kind})

    return material


class HeatmapLoss(Exercise):
    """Squared error, cross-entropy, Kullback-Leibler and Jensen-Shannon divergence between maps. Bonus."""

    name = "pose.heatmap_loss"
    title = "Losses between heatmaps (extension)"
    symbol = "heatmap_loss"
    points = {
        Family.VALUE: 1.75,
        Family.GRADIENT: 0.75,
        Family.STABILITY: 0.75,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.25,
        Family.PURITY: 0.125,
        Family.RULE: 0.125,
    }
    bonus = True
    forbidden = ("torch.nn.functional.kl_div", "torch.nn.functional.cross_entropy", "torch.nn.functional.mse_loss")
    diagnoses = {
        "the other direction: the prediction's logarithm ratio under the prediction": lambda logits, target, *, kind: (
            log_shares(logits).exp() * (log_shares(logits) - target.flatten(2).clamp(min=1e-300).log())
        ).sum(dim=-1),
        "the cross-entropy, whose smallest value is not zero": lambda logits, target, *, kind: loss(logits, target, "ce"),
        "the logits compared with the target, without the soft-max": lambda logits, target, *, kind: (
            (logits - target).square().mean(dim=(2, 3))
        ),
        "the sum over the cells instead of their mean": lambda logits, target, *, kind: (
            loss(logits, target, kind) * (logits.shape[2] * logits.shape[3])
        ),
        "the mean over the cells instead of their sum": lambda logits, target, *, kind: (
            loss(logits, target, kind) / (logits.shape[2] * logits.shape[3])
        ),
        "twice the Jensen-Shannon divergence": lambda logits, target, *, kind: 2 * loss(logits, target, "js"),
    }

    def reference(self, logits: Tensor, target: Tensor, *, kind: str) -> Tensor:
        return loss(logits, target, kind)

    def oracle(self, logits: Tensor, target: Tensor, *, kind: str) -> Tensor:
        from scipy import special

        flat, wanted = logits.flatten(2).numpy(), target.flatten(2).numpy()
        out = np.zeros(flat.shape[:2])
        for place in np.ndindex(out.shape):
            said, true = special.log_softmax(flat[place]), wanted[place]
            if kind == "mse":
                out[place] = np.mean((np.exp(said) - true) ** 2)
            elif kind == "js":
                middle = (np.exp(said) + true) / 2
                out[place] = special.rel_entr(np.stack([np.exp(said), true]), middle).sum() / 2
            else:
                crossed = -sum(t * s for t, s in zip(true, said) if t > 0)
                out[place] = crossed - (special.entr(true).sum() if kind == "kl" else 0.0)
        return torch.from_numpy(out)

    def cases(self) -> list[Case]:
        wrt = (0,)
        return [
            Case("mse", Family.VALUE, maps("mse", 3, 4, 9, 14), public=True),
            Case("kl", Family.VALUE, maps("kl", 3, 4, 9, 14), public=True),
            Case("js", Family.VALUE, maps("js", 3, 4, 9, 14), public=True),
            Case("mse, drawn again", Family.VALUE, maps("mse", 3, 5, 8, 13)),
            Case("ce", Family.VALUE, maps("ce", 3, 5, 8, 13)),
            Case("kl, drawn again", Family.VALUE, maps("kl", 3, 5, 8, 13)),
            Case("js, drawn again", Family.VALUE, maps("js", 3, 5, 8, 13)),
            Case("kl, one person", Family.VALUE, maps("kl", 1, 6, 10, 15, spread=3.0)),
            Case("gradient, kl", Family.GRADIENT, maps("kl", 3, 4, 7, 10), public=True, wrt=wrt),
            Case("gradient, js", Family.GRADIENT, maps("js", 3, 4, 7, 10), wrt=wrt),
            Case("gradient, mse", Family.GRADIENT, maps("mse", 3, 4, 7, 10, spread=3.0), wrt=wrt),
            Case("gradient, ce", Family.GRADIENT, maps("ce", 3, 4, 7, 10), wrt=wrt),
            Case("kl, zeros in the target", Family.STABILITY, maps("kl", 3, 4, 9, 14, cut=0.05), public=True, gradient=True, wrt=wrt),
            Case("js, zeros in the target", Family.STABILITY, maps("js", 3, 4, 9, 14, cut=0.05), gradient=True, wrt=wrt),
            Case("kl, logits of plus and minus 10 000", Family.STABILITY, single("kl", 1e4), gradient=True, wrt=wrt),
            Case("ce, logits of plus and minus 10 000", Family.STABILITY, single("ce", 1e4)),
            Case("js, logits of plus and minus 10 000", Family.STABILITY, single("js", 1e4), gradient=True, wrt=wrt),
            Case("mse, logits of plus and minus 10 000", Family.STABILITY, single("mse", 1e4)),
            Case("float64, kl", Family.DTYPE, maps("kl", 3, 4, 9, 14), dtype="float64"),
            Case("float64, js", Family.DTYPE, maps("js", 3, 4, 9, 14), dtype="float64"),
            # the exact answer is 0; what is left are the last digits of logarithms of about 10.
            Case("kl of equal maps", Family.EDGE, equal("kl"), atol=1e-5),
            Case("js of equal maps", Family.EDGE, equal("js"), atol=1e-5),
            Case("map of one pixel", Family.EDGE, maps("kl", 3, 4, 1, 1)),
            Case("no people", Family.EDGE, maps("js", 0, 4, 9, 14)),
            Case("last two axes swapped in memory", Family.EDGE, maps("kl", 3, 4, 9, 14), layout="transposed"),
        ]
