"""The loop of the text, written out for every pixel with plain numbers."""

import math

import torch
from torch import Tensor


def limb_field(joints: Tensor, visible: Tensor, limbs: Tensor, height: int, width: int, half_width: float) -> Tensor:
    fields = torch.zeros(len(limbs), 2, height, width, dtype=joints.dtype)
    for number, (first, last) in enumerate(limbs.tolist()):
        lines = []
        for person, seen in zip(joints.tolist(), visible.tolist()):
            (x0, y0), (x1, y1) = person[first], person[last]
            if seen[first] and seen[last] and (x0, y0) != (x1, y1):
                length = math.hypot(x1 - x0, y1 - y0)
                lines.append((x0, y0, (x1 - x0) / length, (y1 - y0) / length, length))
        for y in range(height):
            for x in range(width):
                here = []
                for x0, y0, ux, uy, length in lines:
                    along, beside = (x - x0) * ux + (y - y0) * uy, (x - x0) * uy - (y - y0) * ux
                    if 0 <= along <= length and abs(beside) <= half_width:
                        here.append((ux, uy))
                if here:
                    fields[number, :, y, x] = torch.tensor([sum(u) / len(here) for u in zip(*here)], dtype=joints.dtype)
    return fields
