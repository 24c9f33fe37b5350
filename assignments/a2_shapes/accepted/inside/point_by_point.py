"""Three loops, and where the edge meets the height of the point."""

import torch


def inside(points, polygons, rule):
    answer = torch.zeros(len(polygons), len(points), dtype=torch.bool)
    for b, polygon in enumerate(polygons.tolist()):
        vertices = list(zip(*polygon))
        for p, (x, y) in enumerate(points.tolist()):
            crossings = winding = 0
            for (x1, y1), (x2, y2) in zip(vertices, vertices[1:] + vertices[:1]):
                if (y1 <= y) != (y2 <= y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                    crossings += 1
                    winding += 1 if y1 <= y else -1
            answer[b, p] = crossings % 2 == 1 if rule == "even_odd" else winding != 0
    return answer
