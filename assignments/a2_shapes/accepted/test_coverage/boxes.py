"""Knows the distance to a box from its sides."""

import torch


def test_coverage(impl) -> None:
    box = torch.tensor([[-0.9, 0.3, 0.3, -0.9], [-0.4, -0.4, 0.8, 0.8]])
    tall = torch.tensor([[0.1, 0.6, 0.6, 0.1], [-0.9, -0.9, 0.5, 0.5]])
    for dtype, atol in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        both = torch.stack([box, tall]).to(dtype)
        x = (torch.arange(9, dtype=dtype) * 2 + 1 - 9) * 1.2 / 9
        y = ((6 - 1 - 2 * torch.arange(6, dtype=dtype)) * 1.2 / 6)[:, None]
        for polygons in (both, both.flip(2), both[:, :, [0, 0, 1, 2, 3]]):
            low, high = polygons.amin(dim=2)[:, :, None, None], polygons.amax(dim=2)[:, :, None, None]
            beyond_x, beyond_y = torch.maximum(low[:, 0] - x, x - high[:, 0]), torch.maximum(low[:, 1] - y, y - high[:, 1])
            outside = torch.hypot(beyond_x.clamp(min=0), beyond_y.clamp(min=0))
            signed = outside + torch.maximum(beyond_x, beyond_y).clamp(max=0)
            answer = impl(polygons, 6, 9, 1.2, 0.11)
            assert answer.dtype == dtype and torch.allclose(answer[:, 0], torch.sigmoid(-signed / 0.11), rtol=0, atol=atol)
            sharp = impl(polygons, 6, 9, 1.2, 1e-4)
            assert torch.allclose(sharp[:, 0], (signed < 0).to(dtype), rtol=0, atol=1e-3)
    assert impl(torch.zeros(0, 2, 5), 6, 9, 1.2, 0.11).shape == (0, 1, 6, 9)
