"""Integral regression: the expected position under a spatial soft-max."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def spatial_softmax(heatmaps: Tensor) -> Tensor:
    """Soft-max over all cells of each map, ``[B, J, H, W]`` to ``[B, J, H, W]``; uniform where every cell is minus infinity."""
    blank = torch.isneginf(heatmaps).all(dim=3, keepdim=True).all(dim=2, keepdim=True)
    heatmaps = heatmaps.masked_fill(blank, 0.0)
    # amax is no part of the value (any constant cancels), so no gradient flows through it.
    weights = torch.exp(heatmaps - heatmaps.amax(dim=(2, 3), keepdim=True).detach())
    return weights / weights.sum(dim=(2, 3), keepdim=True)


def expectation(share: Tensor) -> Tensor:
    """Mean column and mean row of maps that sum to one, ``[B, J, H, W]`` to ``[B, J, 2]``."""
    columns = torch.arange(share.shape[3], dtype=share.dtype)
    rows = torch.arange(share.shape[2], dtype=share.dtype)
    x = (share * columns).sum(dim=(2, 3))
    y = (share * rows[:, None]).sum(dim=(2, 3))
    return torch.stack([x, y], dim=-1)


def highest_cell(heatmaps: Tensor) -> Tensor:
    """Column and row of the largest logit: what soft-arg-max must not be."""
    index = heatmaps.flatten(2).argmax(dim=-1)
    return torch.stack([index % heatmaps.shape[3], index // heatmaps.shape[3]], dim=-1).to(heatmaps.dtype)


def mixed_up(heatmaps: Tensor) -> Tensor:
    """Cells numbered column by column although they lie row by row."""
    batch, joints, height, width = heatmaps.shape
    return expectation(spatial_softmax(heatmaps).reshape(batch, joints, width, height).transpose(2, 3))


def last_pixel(heatmaps: Tensor) -> Tensor:
    """Coordinates of the last pixel, at least one, ``[2]``."""
    return heatmaps.new_tensor([max(1, heatmaps.shape[3] - 1), max(1, heatmaps.shape[2] - 1)])


def noise(batch: int, joints: int, height: int, width: int, std: float = 1.5, offset: float = 0.0):
    """Case material: independent logits, no structure that could hide an axis."""
    return lambda draw: (draw.normal(batch, joints, height, width, mean=offset, std=std),)


def peaks(draw: Draw, batch: int, joints: int, height: int, width: int, sharpness: float) -> Tensor:
    """One Gaussian bump in each map as a logit, peak ``sharpness``, at a position between the cells."""
    x = torch.arange(width, dtype=torch.float64)
    y = torch.arange(height, dtype=torch.float64)[:, None]
    cx = draw.uniform(0.1 * width, 0.9 * width - 1, batch, joints, 1, 1)
    cy = draw.uniform(0.1 * height, 0.9 * height - 1, batch, joints, 1, 1)
    return sharpness * torch.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 1.5**2)) + draw.normal(batch, joints, height, width, std=0.1)


def one_peak(sharpness: float, batch: int = 3, joints: int = 4, height: int = 11, width: int = 17):
    """Case material: ``peaks``."""
    return lambda draw: (peaks(draw, batch, joints, height, width, sharpness),)


def two_peaks(draw: Draw) -> tuple[Tensor]:
    """Case material: the mean lies between two bumps of unequal height."""
    return (torch.maximum(peaks(draw, 3, 4, 11, 17, 8.0), peaks(draw, 3, 4, 11, 17, 7.5)),)


def huge(height: int, width: int):
    """Case material: logits around +10 000 and -10 000, many of them close to the maximum."""

    def material(draw: Draw) -> tuple[Tensor]:
        sign = torch.where(draw.mask(0.5, 3, 4, height, width), 1.0, -1.0).to(torch.float64)
        sign[..., 0, 0], sign[..., -1, -1] = 1.0, -1.0
        return (sign * 1e4 + draw.normal(3, 4, height, width),)

    return material


def masked(draw: Draw) -> tuple[Tensor]:
    """Case material: a third of the cells are forbidden by a logit of minus infinity."""
    heatmaps = draw.normal(3, 4, 9, 14, std=1.5)
    forbidden = draw.mask(0.35, 3, 4, 9, 14)
    forbidden[:, :, :2] = True
    forbidden[:, :, -1, :3] = False
    return (heatmaps.masked_fill(forbidden, -torch.inf),)


def one_map_masked(draw: Draw) -> tuple[Tensor]:
    """Case material: one map of many has no allowed cell at all."""
    (heatmaps,) = masked(draw)
    heatmaps[1, 2] = -torch.inf
    return (heatmaps,)


def only_map_masked(draw: Draw) -> tuple[Tensor]:
    """Case material: a batch of one map, of drawn size, without any allowed cell."""
    return (torch.full((1, 1, draw.whole(3, 9), draw.whole(10, 16)), -torch.inf, dtype=torch.float64),)


def uneven_levels(draw: Draw) -> tuple[Tensor]:
    """Case material: maps whose levels lie thousands apart: a maximum over the whole tensor would empty the lower ones."""
    return (draw.normal(3, 4, 9, 14, std=1.5) + 2000.0 * draw.normal(3, 4, 1, 1),)


def two_levels(draw: Draw) -> tuple[Tensor]:
    """Case material: one person, two joints, the second map far below the first."""
    return (draw.normal(1, 2, 6, 11, std=1.5) - torch.tensor([0.0, 3000.0], dtype=torch.float64)[:, None, None],)


class SoftArgmax(Exercise):
    """Expected keypoint position under the spatial soft-max of its logits."""

    name = "pose.soft_argmax"
    title = "Soft-arg-max"
    symbol = "soft_argmax"
    points = {
        Family.VALUE: 2.5,
        Family.GRADIENT: 1.5,
        Family.STABILITY: 1.25,
        Family.DTYPE: 0.5,
        Family.EDGE: 0.75,
        Family.PURITY: 0.25,
        Family.RULE: 0.25,
    }
    # the stable soft-max is half of the exercise, so the ready ones are off limits; torch.logsumexp and torch.amax are not.
    forbidden = ("torch.softmax", "torch.log_softmax", "aten::_softmax", "aten::_log_softmax")
    tripwires = tuple(f"vislab.ops.soft_argmax.{place}" for place in ("soft_argmax", "op.soft_argmax", "naive.soft_argmax_naive"))
    diagnoses = {
        "the arg-max": highest_cell,
        "x and y swapped": lambda heatmaps: expectation(spatial_softmax(heatmaps)).flip(-1),
        "the soft-max taken over each row on its own": lambda heatmaps: expectation(heatmaps.softmax(dim=3) / heatmaps.shape[2]),
        "the soft-max taken over each column on its own": lambda heatmaps: expectation(heatmaps.softmax(dim=2) / heatmaps.shape[3]),
        "rows and columns mixed up when the map was flattened": mixed_up,
        "the logits used as weights, without the exponential": lambda maps: expectation(maps / maps.sum(dim=(2, 3), keepdim=True)),
        "coordinates in 0..1 instead of pixels": lambda heatmaps: expectation(spatial_softmax(heatmaps)) / last_pixel(heatmaps),
        "coordinates in -1..1 instead of pixels": lambda heatmaps: 2 * expectation(spatial_softmax(heatmaps)) / last_pixel(heatmaps) - 1,
        "pixels counted from one": lambda heatmaps: expectation(spatial_softmax(heatmaps)) + 1,
    }

    def reference(self, heatmaps: Tensor) -> Tensor:
        return expectation(spatial_softmax(heatmaps))

    def oracle(self, heatmaps: Tensor) -> Tensor:
        from scipy.ndimage import center_of_mass
        from scipy.special import softmax

        height, width = heatmaps.shape[2:]
        # the middle of the map stays where no cell is allowed: that is the definition, not a computation.
        positions = np.broadcast_to(np.array([(width - 1) / 2, (height - 1) / 2]), (*heatmaps.shape[:2], 2)).copy()
        for b, person in enumerate(heatmaps.numpy()):
            for j, logits in enumerate(person):
                if np.isfinite(logits).any():
                    y, x = center_of_mass(softmax(logits))
                    positions[b, j] = x, y
        return torch.from_numpy(positions)

    def cases(self) -> list[Case]:
        return [
            Case("one peak", Family.VALUE, one_peak(8.0), public=True),
            Case("two maxima", Family.VALUE, two_peaks, public=True),
            Case("noise, three people", Family.VALUE, noise(3, 5, 9, 14)),
            Case("noise, one person", Family.VALUE, noise(1, 6, 8, 13)),
            Case("taller than wide", Family.VALUE, noise(3, 2, 19, 7)),
            Case("sharp peak", Family.VALUE, one_peak(30.0)),
            Case("two maxima, drawn again", Family.VALUE, two_peaks),
            Case("gradient", Family.GRADIENT, noise(3, 4, 7, 10), public=True),
            Case("gradient at a peak", Family.GRADIENT, one_peak(6.0)),
            Case("gradient, one person", Family.GRADIENT, noise(1, 5, 9, 6)),
            Case("logits of plus and minus 10 000", Family.STABILITY, huge(7, 12), public=True),
            Case("gradient at logits of plus and minus 10 000", Family.STABILITY, huge(6, 9), gradient=True),
            Case("a constant of 300 added", Family.STABILITY, noise(3, 4, 9, 14, offset=300.0), gradient=True),
            Case("a constant of 10 000 taken away", Family.STABILITY, noise(3, 4, 9, 14, offset=-1e4)),
            Case("maps on very different levels", Family.STABILITY, uneven_levels),
            Case("one map 3000 below the other", Family.STABILITY, two_levels, gradient=True),
            Case("cells masked by minus infinity", Family.STABILITY, masked, gradient=True),
            Case("one map masked everywhere", Family.STABILITY, one_map_masked, gradient=True),
            Case("the only map masked everywhere", Family.STABILITY, only_map_masked),
            Case("float64", Family.DTYPE, noise(3, 4, 9, 14), dtype="float64"),
            Case("float64, gradient", Family.DTYPE, noise(3, 4, 7, 10), dtype="float64", gradient=True),
            Case("map of one pixel", Family.EDGE, noise(3, 4, 1, 1), public=True),
            Case("map one pixel wide", Family.EDGE, noise(3, 4, 9, 1)),
            Case("map one pixel high", Family.EDGE, noise(1, 4, 1, 14)),
            Case("no people", Family.EDGE, noise(0, 4, 9, 14)),
            Case("no people, taller than wide", Family.EDGE, noise(0, 3, 12, 5)),
            Case("last two axes swapped in memory", Family.EDGE, noise(3, 4, 9, 14), layout="transposed"),
            Case("taller than wide, axes swapped in memory", Family.EDGE, noise(1, 3, 12, 5), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, noise(3, 4, 9, 14), layout="strided"),
            Case("starts in the middle of a buffer", Family.EDGE, noise(3, 4, 9, 14), layout="offset"),
        ]
