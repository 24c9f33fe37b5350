"""Loops over pairs and samples, with the blend of four pixels written out."""

import torch
from torch import Tensor


def limb_score(field: Tensor, starts: Tensor, ends: Tensor, samples: int) -> Tensor:
    height, width = field.shape[1:]

    def pixel(column: int, row: int) -> Tensor:
        return field[:, row, column] if 0 <= column < width and 0 <= row < height else torch.zeros_like(field[:, 0, 0])

    rows = []
    for start in starts:
        for end in ends:
            away = end - start
            length = torch.linalg.vector_norm(away)
            total = field.new_zeros(2)
            for number in range(samples):
                x, y = start + away * number / (samples - 1)
                column, row = int(torch.floor(x)), int(torch.floor(y))
                u, v = x - column, y - row
                upper = (1 - u) * pixel(column, row) + u * pixel(column + 1, row)
                lower = (1 - u) * pixel(column, row + 1) + u * pixel(column + 1, row + 1)
                total = total + (1 - v) * upper + v * lower
            rows.append(total @ away / length / samples if length > 0 else total.sum() * 0)
    return torch.stack(rows).reshape(len(starts), len(ends)) if rows else field.new_zeros(len(starts), len(ends))
