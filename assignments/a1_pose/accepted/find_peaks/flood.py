"""Floods each plateau in a loop over all cells."""

import torch
from torch import Tensor


def find_peaks(heatmaps: Tensor, count: int, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    batch, joints = heatmaps.shape[:2]
    places = torch.full((batch, joints, count, 2), -1)
    heights = heatmaps.new_zeros(batch, joints, count)
    found = torch.zeros(batch, joints, count, dtype=torch.bool)
    for b in range(batch):
        for j in range(joints):
            for k, (y, x) in enumerate(peaks_of(heatmaps[b, j].tolist(), threshold)[:count]):
                places[b, j, k] = torch.tensor([x, y])
                heights[b, j, k] = heatmaps[b, j, y, x]
                found[b, j, k] = True
    return places, heights, found


def peaks_of(rows: list[list[float]], threshold: float) -> list[tuple[int, int]]:
    seen: set[tuple[int, int]] = set()
    peaks = []
    for y in range(len(rows)):
        for x in range(len(rows[0])):
            if (y, x) in seen or rows[y][x] < threshold:
                continue
            seen.add((y, x))
            waiting, beaten = [(y, x)], False
            while waiting:
                for other in around(*waiting.pop(), len(rows), len(rows[0])):
                    level = rows[other[0]][other[1]]
                    beaten |= level > rows[y][x]
                    if level == rows[y][x] and other not in seen:
                        seen.add(other)
                        waiting.append(other)
            if not beaten:
                peaks.append((y, x))
    return sorted(peaks, key=lambda place: rows[place[0]][place[1]], reverse=True)


def around(y: int, x: int, height: int, width: int) -> list[tuple[int, int]]:
    return [(v, u) for v in range(max(0, y - 1), min(height, y + 2)) for u in range(max(0, x - 1), min(width, x + 2))]
