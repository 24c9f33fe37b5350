"""Features and boxes that tests of the ops on regions share."""

from __future__ import annotations

import torch
from torch import Tensor

# share of the largest reference value. The last float32 bit of a position near pixel 100 is 8e-6 pixels, and neighbouring pixels differ
# by several units; half precision rounds once, and the interpreter cuts bfloat16 off.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5, torch.float16: 1e-3, torch.bfloat16: 8e-3}


def maps(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    """Draw normal features; no two pixels are equal."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def boxes(
    count: int, images: int, height: int, width: int, scale: float = 0.25, dtype: torch.dtype = torch.float32, seed: int = 1
) -> Tensor:
    """Draw ``[K, 5]`` boxes in image pixels: most on the map, some over its border or beside it, a third of a pixel wide and more."""
    generator = torch.Generator().manual_seed(seed)
    size = torch.tensor([width, height], dtype=torch.float64) / scale
    low = (1.4 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 0.2) * size
    extent = torch.rand(count, 2, generator=generator, dtype=torch.float64) ** 2 * size + 0.3 / scale
    image = torch.arange(count, dtype=torch.float64)[:, None] % images
    return torch.cat([image, low, low + extent], dim=1).to(dtype)


def answers(function, features: Tensor, regions: Tensor, **options) -> dict[str, Tensor]:
    """Return the pooled bins and the gradients of a fixed random combination of them by features and boxes."""
    features, regions = features.detach().requires_grad_(), regions.detach().requires_grad_()
    pooled = function(features, regions, **options)
    cotangent = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    # the same numbers for every dtype: half precision holds them all.
    by_features, by_boxes = torch.autograd.grad(pooled, (features, regions), cotangent.to(torch.bfloat16).to(pooled))
    return {"pooled": pooled.detach(), "gradient of features": by_features, "gradient of boxes": by_boxes}
