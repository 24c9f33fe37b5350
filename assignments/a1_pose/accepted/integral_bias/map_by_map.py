"""The specification as loops over maps and cells, with the difference of exponentials by expm1."""

import torch
from torch import Tensor


def integral_bias(heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    batch, joints, height, width = heatmaps.shape
    biases, shares = [], []
    for map_, low in zip(heatmaps.reshape(batch * joints, height, width), floor.reshape(-1)):
        top = map_.max()
        if bool((map_ == low).all()):
            biases.append(map_.new_zeros(2))
            shares.append(map_.new_zeros(()))
            continue
        total = risen = sum_x = sum_y = 0
        for row in range(height):
            for column in range(width):
                weight = torch.exp(map_[row, column] - top)
                rise = weight * -torch.expm1(low - map_[row, column])
                total, risen = total + weight, risen + rise
                sum_x, sum_y = sum_x + rise * column, sum_y + rise * row
        away = torch.stack(((width - 1) / 2 - sum_x / risen, (height - 1) / 2 - sum_y / risen))
        biases.append(height * width * torch.exp(low - top) / total * away)
        shares.append(risen / total)
    if not biases:
        return heatmaps.new_zeros(batch, joints, 2), heatmaps.new_zeros(batch, joints)
    return torch.stack(biases).reshape(batch, joints, 2), torch.stack(shares).reshape(batch, joints)
