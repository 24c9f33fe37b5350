"""Counts touching: neighbours cross."""

from torch import Tensor


def count_crossings(polygons: Tensor) -> Tensor:
    start = polygons.transpose(1, 2)
    end = start.roll(-1, dims=1)

    def side(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])

    a, b, c, d = start[:, :, None], end[:, :, None], start[:, None], end[:, None]
    crossing = (side(a, b, c) * side(a, b, d) <= 0) & (side(c, d, a) * side(c, d, b) <= 0)
    return crossing.sum(dim=(1, 2)) // 2
