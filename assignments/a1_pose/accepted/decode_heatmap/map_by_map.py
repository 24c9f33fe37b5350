"""A loop over people, joints and axes."""

import torch
from torch import Tensor


def decode_heatmap(heatmaps: Tensor, method: str = "parabola") -> Tensor:
    answer = heatmaps.new_zeros(*heatmaps.shape[:2], 2)
    for b, person in enumerate(heatmaps):
        for j, values in enumerate(person):
            row, column = divmod(int(values.argmax()), values.shape[1])
            for axis, place, line in ((0, column, values[row]), (1, row, values[:, column])):
                answer[b, j, axis] = place + _shift(line, place, method)
    return answer


def _shift(line: Tensor, place: int, method: str) -> Tensor | float:
    if method == "argmax" or place in (0, len(line) - 1):
        return 0.0
    before, middle, after = line[place - 1 : place + 2]
    if method == "quarter":
        return 0.25 * (after - before).sign()
    before, middle, after = (torch.log(torch.clamp(value, min=1e-30)) for value in (before, middle, after))
    fall_before, fall_after = middle - before, middle - after
    both = fall_before + fall_after
    return (fall_before - fall_after) / (2 * both) if both > 0 else 0.0
