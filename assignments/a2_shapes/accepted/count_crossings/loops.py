"""Two loops over edges that are no neighbours."""

import torch
from torch import Tensor


def count_crossings(polygons: Tensor) -> Tensor:
    counts = torch.zeros(len(polygons), dtype=torch.int64)
    for number, polygon in enumerate(polygons.double()):
        points = polygon.T.tolist()
        edges = [(points[i], points[(i + 1) % len(points)]) for i in range(len(points))]
        for i, (p, q) in enumerate(edges):
            for j in range(i + 2, len(edges)):
                if i == 0 and j == len(edges) - 1:
                    continue
                r, s = edges[j]
                turns = [
                    (v[0] - u[0]) * (w[1] - u[1]) - (v[1] - u[1]) * (w[0] - u[0])
                    for u, v, w in ((p, q, r), (p, q, s), (r, s, p), (r, s, q))
                ]
                counts[number] += turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0
    return counts
