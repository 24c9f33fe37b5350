"""Takes the channels to come last."""

from torch import Tensor, nn


class Renderer(nn.Module):
    def __init__(self, points: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(2 * points, 16 * channels)
        self.up1 = nn.ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(channels // 2, channels // 4, 4, stride=2, padding=1)
        self.up3 = nn.ConvTranspose2d(channels // 4, 3, 4, stride=2, padding=1)

    def forward(self, polygons: Tensor) -> Tensor:
        features = self.first(polygons.flatten(1)).relu()
        features = features.unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
        features = self.up1(features).relu()
        features = self.up2(features).relu()
        return self.up3(features).sigmoid()
