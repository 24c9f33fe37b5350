"""Compares with a slow loop over pixels, for several polygons of one batch."""

import torch
from torch import Tensor


def signed_distance(points: Tensor, polygons: Tensor) -> Tensor:
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, dims=2) - first
    away = points[:, None] - first
    squared = edge.square().sum(dim=-1)
    share = ((away * edge).sum(dim=-1) / torch.where(squared > 0, squared, 1.0)).clamp(0, 1)
    nearest = (away - share[..., None] * edge).square().sum(dim=-1).amin(dim=-1)
    distance = torch.where(nearest > 0, torch.where(nearest > 0, nearest, 1.0).sqrt(), 0.0)
    above = first[..., 1] > points[:, None, 1]
    crossed = above != above.roll(-1, dims=2)
    right = away[..., 0] * edge[..., 1] < away[..., 1] * edge[..., 0]
    inside = (crossed & (right == (edge[..., 1] > 0))).sum(dim=-1) % 2 == 1
    return torch.where(inside, -distance, distance)


def test_coverage(impl) -> None:
    crooked = torch.tensor([[[-0.7, 0.9, 0.2, 0.4], [-0.6, -0.8, 0.1, 1.0]], [[-0.3, 0.5, 1.1, -0.9], [-1.1, -0.2, 0.7, 0.3]]])

    shapes = {"plain": crooked, "clockwise": crooked.flip(2), "twice": crooked[:, :, [0, 1, 2, 3, 3]], "none": crooked[:0]}
    for dtype, atol in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        for polygons in shapes.values():
            polygons = polygons.to(dtype)
            for tau in (0.13, 1e-4):
                answer = impl(polygons, 5, 8, 1.3, tau)
                assert answer.shape == (len(polygons), 1, 5, 8) and answer.dtype == dtype
                for row in range(5):
                    for column in range(8):
                        at = torch.tensor([[-1.3 + (column + 0.5) * 2.6 / 8, 1.3 - (row + 0.5) * 2.6 / 5]], dtype=dtype)
                        expected = torch.sigmoid(-signed_distance(at, polygons)[:, 0] / tau)
                        assert torch.allclose(answer[:, 0, row, column], expected, rtol=0, atol=max(atol, 0.3e-6 / tau * (atol > 1e-9)))
