"""Loops over shifts and vertices on Python's numbers."""

import math

import torch


def cyclic_distance_loop(first, second):
    (ax, ay), (bx, by) = first.tolist(), second.tolist()
    count = len(ax)
    best = math.inf
    for shift in range(count):
        total = 0.0
        for n in range(count):
            m = (n + shift) % count
            total += (ax[n] - bx[m]) ** 2 + (ay[n] - by[m]) ** 2
        best = min(best, total / count)
    return torch.tensor(best, dtype=first.dtype)
