"""Keeps the layers in their order and applies them from the inside out."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Renderer(nn.Module):
    def __init__(self, points: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(2 * points, 16 * channels)
        self.up1 = nn.ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(channels // 2, channels // 4, 4, stride=2, padding=1)
        self.up3 = nn.ConvTranspose2d(channels // 4, 3, 4, stride=2, padding=1)

    def forward(self, polygons: Tensor) -> Tensor:
        features = F.relu(self.first(polygons.reshape(len(polygons), self.first.in_features)))
        features = features.reshape(len(polygons), self.up1.in_channels, 4, 4)
        return torch.sigmoid(self.up3(F.relu(self.up2(F.relu(self.up1(features))))))
