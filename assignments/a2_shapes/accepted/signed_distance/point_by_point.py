"""Loops over polygons and edges, and angles for the sign."""

import math

import torch


def signed_distance(points, polygons):
    found = []
    for polygon in polygons:
        best, turns = None, 0
        for n in range(polygon.shape[1]):
            a, b = polygon[:, n - 1], polygon[:, n]
            edge, away = b - a, points - a
            squared = edge @ edge
            share = (away @ edge / squared).clamp(0, 1) if squared > 0 else away.new_zeros(len(points))
            distance = torch.linalg.vector_norm(away - share[:, None] * edge, dim=1)
            best = distance if best is None else torch.minimum(best, distance)
            # the angle under which the edge is seen.
            there = away - edge
            turns = turns + torch.atan2(away[:, 0] * there[:, 1] - away[:, 1] * there[:, 0], (away * there).sum(dim=1)).detach()
        odd = (turns / (2 * math.pi)).round().remainder(2) == 1
        found.append(torch.where(odd, -best, best))
    return torch.stack(found) if found else points.new_zeros(0, len(points))
