"""Gaussian heatmaps: from the position of a joint to a map, with a peak of one or a sum of one."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def profile(place: Tensor, length: int, sigma: float, mode: str) -> Tensor:
    """The Gaussian along one axis, ``[B, J]`` to ``[B, J, length]``."""
    cell = torch.arange(length, dtype=place.dtype)
    log = -((cell - place[..., None]) ** 2) / (2 * sigma**2)
    if mode == "sum":
        # the quotient is taken between logarithms: far from the joint every exponential is 0, and 0 / 0 says nothing. the largest is
        # taken off first, as the last digits of a very large logarithm are whole numbers.
        log = log - log.amax(dim=-1, keepdim=True)
        log = log - torch.logsumexp(log, dim=-1, keepdim=True)
    return torch.exp(log)


def bumps(poses: Tensor, visible: Tensor, *, height: int, width: int, sigma: float, mode: str) -> Tensor:
    """One map for each joint, ``[B, J, 2]`` to ``[B, J, H, W]``; zero where the joint is hidden."""
    # a hidden joint's place may be NaN, so it is replaced before anything is computed from it.
    safe = torch.where(visible[..., None], poses, torch.zeros_like(poses))
    rows, columns = profile(safe[..., 1], height, sigma, mode), profile(safe[..., 0], width, sigma, mode)
    maps = rows[..., :, None] * columns[..., None, :]
    return torch.where(visible[..., None, None], maps, torch.zeros_like(maps))


def by_the_area_of_the_bell(poses: Tensor, visible: Tensor, *, sigma: float, mode: str, **size: int) -> Tensor:
    """Normalised as if the map had no border and no cells: what a sum of one is not."""
    return bumps(poses, visible, sigma=sigma, mode="peak", **size) / (2 * math.pi * sigma**2 if mode == "sum" else 1.0)


def other_mode(mode: str) -> str:
    return "sum" if mode == "peak" else "peak"


def neighbour_by_neighbour(place: float, length: int, sigma: float, mode: str) -> list[float]:
    """A profile from the nearest cell outwards: the quotient of two neighbours holds no square of a distance."""
    nearest = min(range(length), key=lambda cell: abs(cell - place))
    log = [0.0] * length
    for cell in range(nearest + 1, length):
        log[cell] = log[cell - 1] + (2 * (place - cell) + 1) / (2 * sigma**2)
    for cell in range(nearest - 1, -1, -1):
        log[cell] = log[cell + 1] - (2 * (place - cell) - 1) / (2 * sigma**2)
    relative = [math.exp(value) for value in log]
    factor = 1 / math.fsum(relative) if mode == "sum" else math.exp(-0.5 * ((nearest - place) / sigma) ** 2)
    return [value * factor for value in relative]


def call(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str) -> Inputs:
    return Inputs((poses, visible), {"height": height, "width": width, "sigma": sigma, "mode": mode})


def seen(draw: Draw, batch: int, joints: int) -> Tensor:
    """Which joints are visible: most, and never all or none of a batch that has more than one."""
    visible = draw.mask(0.7, batch, joints)
    if visible.numel() > 1:
        visible[0, 0], visible[-1, -1] = True, False
    return visible


def people(mode: str, batch: int = 3, joints: int = 4, height: int = 9, width: int = 14, low: float = 0.9, high: float = 2.2):
    """Case material: joints within the map and up to two cells beyond its border; hidden ones hold a place, too."""

    def material(draw: Draw) -> Inputs:
        x, y = draw.uniform(-2.0, width + 1.0, batch, joints), draw.uniform(-2.0, height + 1.0, batch, joints)
        if x.numel():
            # one visible joint well inside, so that no map is a tail alone.
            x[0, 0], y[0, 0] = draw.number(0.3, 0.6) * width, draw.number(0.3, 0.6) * height
        return call(torch.stack((x, y), dim=-1), seen(draw, batch, joints), height, width, draw.number(low, high), mode)

    return material


def by_hand(mode: str):
    """Case material: two joints, one of them on a cell, on a map of 3 by 5."""
    poses = torch.tensor([[[3.0, 2.0], [1.25, 0.5]]], dtype=torch.float64)
    return lambda draw: call(poses, torch.ones(1, 2, dtype=torch.bool), 3, 5, 1.5, mode)


def nameless(mode: str):
    """Case material: the places of hidden joints are NaN or infinite, as labels that do not exist are."""

    def material(draw: Draw) -> Inputs:
        inputs = people(mode)(draw)
        poses, visible = inputs.args
        poses[~visible] = torch.nan
        poses[-1, -1, 1] = torch.inf
        return Inputs((poses, visible), inputs.kwargs)

    return material


def narrow(mode: str, batch: int = 3, joints: int = 4, height: int = 9, width: int = 14):
    """Case material: a standard deviation of a thousandth of a cell; in sum mode between the cells, in peak mode on them."""

    def material(draw: Draw) -> Inputs:
        cell = torch.stack((draw.integers(0, width, batch, joints), draw.integers(0, height, batch, joints)), dim=-1).double()
        off = draw.uniform(0.1, 0.4, batch, joints, 2) * (1 - 2 * draw.mask(0.5, batch, joints, 2).double())
        return call(cell + off * (mode == "sum"), seen(draw, batch, joints), height, width, 1e-3, mode)

    return material


def far(mode: str, distance: float, both: bool, batch: int = 3, joints: int = 4, height: int = 9, width: int = 14):
    """Case material: joints far beyond one side of the map, or beyond a corner; one visible joint stays inside."""

    def material(draw: Draw) -> Inputs:
        inputs = people(mode, batch, joints, height, width)(draw)
        poses, visible = inputs.args
        middle = torch.tensor([width / 2, height / 2], dtype=torch.float64)
        away = draw.uniform(distance, 2 * distance, batch, joints, 2) * (1 - 2 * draw.mask(0.5, batch, joints, 2).double())
        # along the other axis the joint lies within the map.
        inside = draw.uniform(-2.0, 2.0, batch, joints, 2)
        axis = draw.mask(0.5, batch, joints)
        keep = torch.stack((axis, ~axis), dim=-1) & (not both)
        moved = middle + torch.where(keep, inside, away)
        # without it the largest value or derivative of all could be a number too small for float32.
        moved[0, 0] = poses[0, 0]
        return Inputs((moved, visible), inputs.kwargs)

    return material


def half_way(draw: Draw) -> Inputs:
    """Case material: as narrow as before, exactly half-way between two cells, which share the sum."""
    poses = torch.tensor([[[4.5, 2.0], [7.0, 3.5], [2.5, 5.5]]], dtype=torch.float64)
    return call(poses, torch.ones(1, 3, dtype=torch.bool), draw.whole(7, 10), draw.whole(11, 15), 1e-3, "sum")


def unseen(mode: str):
    """Case material: not a single joint is visible."""

    def material(draw: Draw) -> Inputs:
        inputs = people(mode)(draw)
        return Inputs((inputs.args[0], torch.zeros(3, 4, dtype=torch.bool)), inputs.kwargs)

    return material


class PoseToHeatmap(Exercise):
    """One Gaussian bump for each visible joint."""

    name = "pose.pose2heatmap"
    title = "Gaussian heatmaps"
    symbol = "pose2heatmap"
    points = {
        Family.VALUE: 2.25,
        Family.GRADIENT: 1.0,
        Family.STABILITY: 1.25,
        Family.DTYPE: 0.5,
        Family.EDGE: 0.75,
        Family.PURITY: 0.25,
    }
    tripwires = tuple(
        f"vislab.ops.gaussian_heatmaps.{place}"
        for place in ("gaussian_heatmaps", "op.gaussian_heatmaps", "op._plain", "naive.gaussian_heatmaps_naive")
    )
    diagnoses = {
        "x and y swapped": lambda poses, visible, **call: bumps(poses.flip(-1), visible, **call),
        "height and width exchanged": lambda poses, visible, *, height, width, **call: bumps(
            poses, visible, height=width, width=height, **call
        ),
        "exp(-d^2 / sigma^2), without the 2": lambda poses, visible, *, sigma, **call: bumps(
            poses, visible, sigma=sigma / math.sqrt(2), **call
        ),
        "sigma where sigma squared belongs": lambda poses, visible, *, sigma, **call: bumps(poses, visible, sigma=math.sqrt(sigma), **call),
        "the distance, where its square belongs": lambda poses, visible, *, sigma, mode, **call: _pointed(
            poses, visible, sigma=sigma, mode=mode, **call
        ),
        "divided by 2 pi sigma^2 instead of the sum over the cells": by_the_area_of_the_bell,
        "the other mode": lambda poses, visible, *, mode, **call: bumps(poses, visible, mode=other_mode(mode), **call),
        "every joint drawn, hidden or not": lambda poses, visible, **call: bumps(poses, torch.ones_like(visible), **call),
        "cells counted from one": lambda poses, visible, **call: bumps(poses - 1, visible, **call),
    }

    def reference(self, poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
        # students' tests call it as they call their own function, by position or by name.
        return bumps(poses, visible, height=height, width=width, sigma=sigma, mode=mode)

    def oracle(self, poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str) -> Tensor:
        maps = np.zeros((*visible.shape, height, width))
        for b, j in zip(*np.nonzero(visible.numpy()), strict=True):
            x, y = poses[b, j].tolist()
            rows, columns = (neighbour_by_neighbour(place, length, sigma, mode) for place, length in ((y, height), (x, width)))
            for row in range(height):
                for column in range(width):
                    maps[b, j, row, column] = rows[row] * columns[column]
        return torch.from_numpy(maps)

    def cases(self) -> list[Case]:
        return [
            Case("two joints by hand, peak of one", Family.VALUE, by_hand("peak"), public=True),
            Case("three people, sum of one", Family.VALUE, people("sum"), public=True),
            Case("three people, peak of one", Family.VALUE, people("peak")),
            Case("two joints by hand, sum of one", Family.VALUE, by_hand("sum")),
            Case("one person, peak of one", Family.VALUE, people("peak", 1, 6, 8, 13)),
            Case("one person, sum of one", Family.VALUE, people("sum", 1, 6, 8, 13)),
            Case("taller than wide, peak of one", Family.VALUE, people("peak", 3, 2, 17, 7)),
            Case("taller than wide, sum of one", Family.VALUE, people("sum", 3, 2, 17, 7)),
            Case("narrow bumps, sum of one", Family.VALUE, people("sum", 3, 5, 10, 12, low=0.6, high=0.8)),
            Case("gradient, peak of one", Family.GRADIENT, people("peak"), public=True),
            Case("gradient, sum of one", Family.GRADIENT, people("sum")),
            Case("gradient, taller than wide, sum of one", Family.GRADIENT, people("sum", 1, 5, 13, 6)),
            Case("joints far beyond a corner, sum of one", Family.STABILITY, far("sum", 60.0, both=True), public=True),
            Case("joints far beyond one side, sum of one", Family.STABILITY, far("sum", 1500.0, both=False)),
            Case("gradient far beyond one side, sum of one", Family.STABILITY, far("sum", 1500.0, both=False), gradient=True),
            Case("joints far away, peak of one", Family.STABILITY, far("peak", 1500.0, both=True), gradient=True),
            Case("sigma of a thousandth, sum of one", Family.STABILITY, narrow("sum")),
            Case("sigma of a thousandth, peak of one", Family.STABILITY, narrow("peak")),
            # two cells share the sum, which a joint moved by one rounding unit does not, so nothing can be derived. Logarithms of -125 000
            # are known to 0.008 in float32, and so are their quotients.
            Case("sigma of a thousandth, half-way between cells", Family.STABILITY, half_way, atol=5e-3),
            Case("hidden joints without a place, peak of one", Family.STABILITY, nameless("peak"), gradient=True, public=True),
            Case("hidden joints without a place, sum of one", Family.STABILITY, nameless("sum"), gradient=True),
            Case("float64, peak of one", Family.DTYPE, people("peak"), dtype="float64"),
            Case("float64, sum of one", Family.DTYPE, people("sum"), dtype="float64"),
            Case("float64, far beyond a corner", Family.DTYPE, far("sum", 150.0, both=True), dtype="float64"),
            Case("no joint visible", Family.EDGE, unseen("sum")),
            Case("map one cell wide", Family.EDGE, people("sum", height=9, width=1)),
            Case("map one cell high", Family.EDGE, people("peak", height=1, width=14)),
            Case("map of one cell", Family.EDGE, people("sum", height=1, width=1)),
            Case("no people", Family.EDGE, people("sum", batch=0)),
            Case("no people, peak of one", Family.EDGE, people("peak", batch=0, joints=5)),
            Case("no joints", Family.EDGE, people("peak", joints=0)),
            Case("every second element of a wider buffer", Family.EDGE, people("peak"), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, people("sum"), layout="transposed"),
        ]


def _pointed(poses: Tensor, visible: Tensor, *, height: int, width: int, sigma: float, mode: str) -> Tensor:
    """A tent of exponentials of the distance itself."""
    x = torch.arange(width, dtype=poses.dtype) - poses[..., 0, None, None]
    y = torch.arange(height, dtype=poses.dtype)[:, None] - poses[..., 1, None, None]
    maps = torch.exp(-torch.sqrt(x**2 + y**2) / (2 * sigma**2)) * visible[..., None, None]
    return maps / maps.sum((-2, -1), keepdim=True).clamp(min=1e-300) if mode == "sum" else maps
