"""Loops over limbs and people, and pastes each limb with boolean indexing."""

import torch
from torch import Tensor


def limb_field(joints: Tensor, visible: Tensor, limbs: Tensor, height: int, width: int, half_width: float) -> Tensor:
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pixel = torch.stack((column, row)).to(joints.dtype)
    fields = torch.zeros(len(limbs), 2, height, width, dtype=joints.dtype)
    for number in range(len(limbs)):
        first, last = int(limbs[number, 0]), int(limbs[number, 1])
        count = torch.zeros(height, width, dtype=joints.dtype)
        for person in range(len(joints)):
            if not (visible[person, first] and visible[person, last]):
                continue
            start, end = joints[person, first], joints[person, last]
            if torch.equal(start, end):
                continue
            unit = (end - start) / torch.dist(start, end)
            away = pixel - start[:, None, None]
            along = away[0] * unit[0] + away[1] * unit[1]
            beside = away[0] * unit[1] - away[1] * unit[0]
            on = (along >= 0) & (along <= torch.dist(start, end)) & (beside.abs() <= half_width)
            fields[number][:, on] += unit[:, None]
            count[on] += 1
        covered = count > 0
        fields[number][:, covered] /= count[covered]
    return fields
