"""From a picture to an outline, learnt from masks alone: no polygon label can be read, for there is none."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.exercise.behaviour import Band, BehaviourProbe
from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

SIDE, REACH = 20, 1.6
VERTICES = 24
TRAIN, HIDDEN = 300, 120
FINE = 720


def overlap(predictions: Tensor, shapes: Tensor) -> Tensor:
    """Mean intersection over union of polygons [B, 2, N] and [B, 2, M], by the even-odd rule on 40 x 40 points of the square to 1.6."""
    where = torch.linspace(-1.56, 1.56, 40, dtype=predictions.dtype)
    y, x = (one.reshape(1, -1, 1) for one in torch.meshgrid(where, where, indexing="ij"))
    inside = []
    for polygons in (predictions, shapes):
        x0, y0 = (row[:, None] for row in polygons.unbind(dim=1))
        x1, y1 = x0.roll(-1, 2), y0.roll(-1, 2)
        crosses = (y0 > y) != (y1 > y)
        slope = (x1 - x0) / torch.where(y1 == y0, torch.ones_like(y0), y1 - y0)
        inside.append((crosses & (x < x0 + (y - y0) * slope)).sum(dim=2) % 2 == 1)
    both = (inside[0] & inside[1]).sum(dim=1).double()
    return (both / (inside[0] | inside[1]).sum(dim=1).clamp(min=1)).mean()


def radii(draw: Draw, count: int) -> tuple[Tensor, Tensor]:
    """Radius ``[count, FINE]`` of smooth random stars about a centre of their own ``[count, 2]``."""
    angle = torch.arange(FINE, dtype=torch.float64) * (2 * math.pi / FINE)
    size = torch.ones(count, FINE, dtype=torch.float64)
    for waves, most in ((2, 0.4), (3, 0.35), (4, 0.15)):
        size = size + draw.uniform(0, most, count, 1) * torch.cos(waves * angle + draw.uniform(0, 2 * math.pi, count, 1))
    return draw.uniform(0.45, 0.75, count, 1) * size, draw.uniform(-0.35, 0.35, count, 2)


def stars(draw: Draw, count: int) -> tuple[Tensor, Tensor]:
    """Random stars: polygons ``[count, 2, 48]`` and masks ``[count, 1, SIDE, SIDE]`` of 0 and 1, y up."""
    size, middle = radii(draw, count)
    angle = torch.arange(FINE, dtype=torch.float64) * (2 * math.pi / FINE)
    fine = middle[:, :, None] + size[:, None] * torch.stack((angle.cos(), angle.sin()))
    place = (torch.arange(SIDE, dtype=torch.float64) + 0.5) * (2 * REACH / SIDE) - REACH
    y, x = torch.meshgrid(-place, place, indexing="ij")
    away_x, away_y = x - middle[:, 0, None, None], y - middle[:, 1, None, None]
    number = (torch.atan2(away_y, away_x) / (2 * math.pi) * FINE).round().long() % FINE
    edge = size.gather(1, number.flatten(1)).reshape(number.shape)
    return fine[:, :, :: FINE // 48], (torch.hypot(away_x, away_y) < edge)[:, None].double()


def painted(draw: Draw, masks: Tensor, ink: Tensor, paper: Tensor) -> Tensor:
    """Pictures ``[count, 3, SIDE, SIDE]`` in two colours, under a light of their own and with noise."""
    light = 1 + 0.25 * draw.normal(len(masks), 1, 1, 1)
    return light * torch.lerp(paper, ink, masks) + 0.12 * draw.normal(len(masks), 3, SIDE, SIDE)


def task(draw: Draw) -> Inputs:
    """Case material: stars in two colours of the case, so that a net of another case is lost; the polygons are NaN throughout."""
    ink = draw.uniform(0, 1, 3)
    # far from each other in every channel, in a direction that is drawn.
    paper = (ink + 0.5) % 1.0
    ink, paper = ink[:, None, None], paper[:, None, None]
    _, masks = stars(draw, TRAIN)
    shapes, hidden = stars(draw, HIDDEN)
    labels = torch.full((TRAIN, 2, VERTICES), math.nan, dtype=torch.float64)
    return Inputs((painted(draw, masks, ink, paper), masks, labels, painted(draw, hidden, ink, paper)), withheld=(shapes,))


class OutlinesFromPictures(Exercise):
    """Train a net from pictures to outlines through a raster loss, and draw the outlines of hidden pictures."""

    name = "shapes.outlines_from_pictures"
    title = "From a picture to an outline"
    symbol = "outlines_from_pictures"
    bonus = True
    points = {Family.BEHAVIOUR: 4.5, Family.RULE: 0.5}
    # ten trainings of the lesson's solution: .815 on average, standard deviation .014; the band begins four of them below. The mean shape
    # reaches .50, standard deviation .008.
    probe = BehaviourProbe(
        metric=overlap,
        unit="mean IoU",
        bands=(Band(low=0.755), Band(low=0.7, share=0.5)),
        steps=160,
        allowance_s=40.0,
    )

    def baseline(self, pictures: Tensor, masks: Tensor, labels: Tensor, hidden: Tensor) -> Tensor:
        """The mean shape: along each ray from the middle of the average mask, as far as its area asks."""
        angle = torch.arange(VERTICES, dtype=torch.float64) * (2 * math.pi / VERTICES)
        ray = torch.stack((angle.cos(), angle.sin()), dim=-1)
        away = torch.linspace(0.0, 2.0, 201, dtype=torch.float64)
        # to grid_sample's coordinates, whose y runs downwards.
        grid = away[:, None, None] * ray * torch.tensor([1.0, -1.0], dtype=torch.float64) / REACH
        average = F.grid_sample(masks.double().mean(dim=0, keepdim=True), grid[None], align_corners=False)[0, 0]
        radius = (2 * (average * away[:, None]).sum(dim=0) * 0.01).sqrt()
        return (radius[:, None] * ray).T.to(masks.dtype).expand(len(hidden), 2, VERTICES).clone()

    def cases(self) -> list[Case]:
        return [
            Case("stars in public colours", Family.BEHAVIOUR, task, public=True),
            Case("stars in other colours", Family.BEHAVIOUR, task),
        ]
