"""How wide a heatmap is, and in which direction."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def moments(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Spatial soft-max and positions of its cells: ``[B, J, H W]`` and ``[H W, 2]``, x then y."""
    height, width = heatmaps.shape[2:]
    flat = heatmaps.flatten(2)
    weights = torch.exp(flat - flat.amax(dim=-1, keepdim=True).detach())
    cells = [[float(column), float(row)] for row in range(height) for column in range(width)]
    return weights / weights.sum(dim=-1, keepdim=True), torch.tensor(cells, dtype=heatmaps.dtype)


def spread(share: Tensor, cells: Tensor, centre: Tensor) -> Tensor:
    """Second moment about ``centre``: ``[B, J, N]``, ``[N, 2]``, ``[B, J, 2]`` to ``[B, J, 2, 2]``."""
    away = cells - centre[:, :, None]
    return (share[..., None, None] * away[..., :, None] * away[..., None, :]).sum(dim=2)


def covariance(heatmaps: Tensor) -> Tensor:
    """Second moment about the mean, ``[B, J, 2, 2]``."""
    share, cells = moments(heatmaps)
    return spread(share, cells, share @ cells)


def about_the_corner(heatmaps: Tensor) -> Tensor:
    """Second moment about the first pixel."""
    share, cells = moments(heatmaps)
    return spread(share, cells, torch.zeros(*heatmaps.shape[:2], 2, dtype=heatmaps.dtype))


def cell_count(heatmaps: Tensor) -> int:
    """Number of cells of one map."""
    return heatmaps.shape[2] * heatmaps.shape[3]


def oval(draw: Draw, batch: int, joints: int, height: int, width: int) -> Tensor:
    """Log-Gaussian logits with correlated axes: every entry of the covariance is far from zero."""
    x = torch.arange(width, dtype=torch.float64) - draw.uniform(0.3 * width, 0.6 * width, batch, joints, 1, 1)
    y = torch.arange(height, dtype=torch.float64)[:, None] - draw.uniform(0.3 * height, 0.6 * height, batch, joints, 1, 1)
    tilt = draw.uniform(0.4, 0.8, batch, joints, 1, 1) * torch.where(draw.mask(0.5, batch, joints, 1, 1), 1.0, -1.0)
    return -(x**2 - 2 * tilt * x * y + y**2) / (2 * 1.8**2 * (1 - tilt**2)) + draw.normal(batch, joints, 1, 1)


def ovals(batch: int, joints: int, height: int, width: int):
    """Case material: ``oval``."""
    return lambda draw: (oval(draw, batch, joints, height, width),)


def noise(batch: int, joints: int, height: int, width: int, offset: float = 0.0):
    """Case material: independent logits."""
    return lambda draw: (draw.normal(batch, joints, height, width, mean=offset, std=1.5),)


def two_peaks(draw: Draw) -> tuple[Tensor]:
    """Case material: two bumps far apart, so that the variance is large."""
    heatmaps = draw.normal(3, 4, 9, 21, std=0.3)
    heatmaps[..., 2, 3] += 7.0
    heatmaps[..., 6, 17] += 7.5
    return (heatmaps,)


def needle(height: int, width: int):
    """Case material: nearly all mass in one far cell; E[x²] - E[x]² then subtracts two almost equal numbers."""

    def material(draw: Draw) -> tuple[Tensor]:
        heatmaps = draw.normal(3, 4, height, width, std=0.3)
        heatmaps[..., height - 2, width - 2] += 22.0
        return (heatmaps,)

    return material


class HeatmapCovariance(Exercise):
    """Covariance matrix of the position under the spatial soft-max."""

    name = "pose.heatmap_covariance"
    title = "Covariance of a heatmap"
    symbol = "heatmap_covariance"
    points = {Family.VALUE: 1.75, Family.GRADIENT: 0.75, Family.STABILITY: 0.75, Family.DTYPE: 0.25, Family.EDGE: 0.25, Family.PURITY: 0.25}
    # E[x x] - E[x] E[x] is what many write first. It loses digits to cancellation; the stability family is where that costs marks, so the
    # value cases forgive the few units of 1e-5 that it costs on an ordinary map.
    tolerance_factor = 256.0
    diagnoses = {
        "the second moment about the corner, not about the mean": about_the_corner,
        "x and y swapped": lambda heatmaps: covariance(heatmaps).flip(-1, -2),
        "the variances without the covariance": lambda heatmaps: covariance(heatmaps) * torch.eye(2, dtype=heatmaps.dtype),
        "standard deviations instead of variances": lambda heatmaps: covariance(heatmaps).abs().sqrt(),
        "divided by n - 1, as for samples": lambda heatmaps: covariance(heatmaps) * cell_count(heatmaps) / max(1, cell_count(heatmaps) - 1),
    }

    def reference(self, heatmaps: Tensor) -> Tensor:
        return covariance(heatmaps)

    def oracle(self, heatmaps: Tensor) -> Tensor:
        from scipy.special import softmax

        batch, joints, height, width = heatmaps.shape
        rows, columns = np.mgrid[:height, :width]
        out = np.zeros((batch, joints, 2, 2))
        for b in range(batch):
            for j in range(joints):
                share = softmax(heatmaps[b, j].numpy())
                out[b, j] = np.cov(np.stack([columns.ravel(), rows.ravel()]), aweights=share.ravel(), ddof=0)
        return torch.from_numpy(out)

    def cases(self) -> list[Case]:
        return [
            Case("tilted ovals", Family.VALUE, ovals(3, 4, 11, 17), public=True),
            Case("two maxima", Family.VALUE, two_peaks, public=True),
            Case("tilted ovals, drawn again", Family.VALUE, ovals(3, 5, 13, 18)),
            Case("noise, one person", Family.VALUE, noise(1, 6, 8, 13)),
            Case("gradient", Family.GRADIENT, noise(3, 4, 7, 10), public=True),
            Case("gradient on ovals", Family.GRADIENT, ovals(3, 4, 8, 11)),
            Case("nearly all mass in one far cell", Family.STABILITY, needle(30, 45)),
            Case("nearly all mass in one far cell of a tall map", Family.STABILITY, needle(50, 28)),
            Case("a constant of 300 added", Family.STABILITY, noise(3, 4, 9, 14, offset=300.0)),
            Case("float64", Family.DTYPE, ovals(3, 4, 9, 14), dtype="float64"),
            Case("map of one pixel", Family.EDGE, noise(3, 4, 1, 1)),
            Case("map one pixel wide", Family.EDGE, noise(3, 4, 9, 1)),
            Case("no people", Family.EDGE, noise(0, 4, 9, 14)),
            Case("last two axes swapped in memory", Family.EDGE, noise(3, 4, 9, 14), layout="transposed"),
        ]
