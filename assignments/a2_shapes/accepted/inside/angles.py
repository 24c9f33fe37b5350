"""Adds up the angles under which the edges are seen."""

import math

import torch


def inside(points, polygons, rule):
    away = polygons.transpose(1, 2)[:, None] - points[:, None]
    (a, b), (c, d) = away.unbind(-1), away.roll(-1, 2).unbind(-1)
    turns = (torch.atan2(a * d - b * c, a * c + b * d).sum(dim=2) / (2 * math.pi)).round()
    return turns.remainder(2) == 1 if rule == "even_odd" else turns != 0
