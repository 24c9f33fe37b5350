"""Gives x and y a matrix each, and takes the sigmoid from a tanh."""

from torch import Tensor, nn


class Renderer(nn.Module):
    def __init__(self, points: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(2 * points, 16 * channels)
        self.up1 = nn.ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(channels // 2, channels // 4, 4, stride=2, padding=1)
        self.up3 = nn.ConvTranspose2d(channels // 4, 3, 4, stride=2, padding=1)

    def forward(self, polygons: Tensor) -> Tensor:
        points = polygons.shape[2]
        of_x, of_y = self.first.weight.split(points, dim=1)
        features = polygons[:, 0] @ of_x.T + polygons[:, 1] @ of_y.T + self.first.bias
        features = features.clamp(min=0).view(len(polygons), len(self.first.bias) // 16, 4, 4)
        for layer in (self.up1, self.up2):
            features = layer(features).clamp(min=0)
        return (1 + (self.up3(features) / 2).tanh()) / 2
