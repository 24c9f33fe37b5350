"""Stacks a list that may be empty."""

import torch


def resample(polygons, count, closed=True):
    return torch.stack([one(polygon, count, closed) for polygon in polygons])


def one(polygon, count, closed):
    corners = torch.cat((polygon, polygon[:, :1]), dim=1) if closed else polygon
    lengths = torch.linalg.vector_norm(corners.diff(dim=1), dim=0)
    reach = torch.cat((lengths.new_zeros(1), lengths.cumsum(0)))
    points = []
    for k in range(count):
        place = reach[-1] * k / (count if closed else max(count - 1, 1))
        edge = min(int((reach <= place).sum()) - 1, max(len(lengths) - 1, 0))
        length = lengths[edge] if len(lengths) else reach[0]
        share = (place - reach[edge]) / length if length > 0 else 0.0
        points.append(corners[:, edge] + share * (corners[:, min(edge + 1, corners.shape[1] - 1)] - corners[:, edge]))
    return torch.stack(points, dim=1)
