"""Images, centres and extents that tests of window_pool share, and its answers by name."""

from __future__ import annotations

import torch
from torch import Tensor

# share of the largest reference value. A float32 position in a picture of 129 pixels is good to 1e-5 pixels, and the gradient of a
# centre is a sum over all cells that partly cancels; half precision rounds the answer once.
TOLERANCE = {torch.float64: 1e-11, torch.float32: 2e-4, torch.float16: 1e-3, torch.bfloat16: 8e-3}
NAMES = ("images", "centres", "extents")
WINDOW_NAMES = ("gaussian", "box", "bump")
# (B, C, H, W, h, w): one of everything, more cells than pixels, sizes around the edges of tiles, a rest in every direction.
SIZES = [(1, 1, 1, 1, 1, 1), (2, 2, 5, 7, 3, 4), (2, 1, 3, 2, 8, 9), (1, 2, 64, 63, 5, 33), (1, 1, 65, 129, 17, 2)]


def inputs(batch: int, channels: int, height: int, width: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> list[Tensor]:
    """Draw images, and centres and extents somewhere inside; the latter two float32 where the images are narrower."""
    generator = torch.Generator().manual_seed(seed)
    size = torch.tensor([width, height], dtype=torch.float64)
    images = torch.randn(batch, channels, height, width, generator=generator, dtype=torch.float64)
    centres = (size - 1) * (0.2 + 0.6 * torch.rand(batch, 2, generator=generator, dtype=torch.float64))
    extents = size * (0.3 + 0.6 * torch.rand(batch, 2, generator=generator, dtype=torch.float64))
    numbers = torch.float64 if dtype == torch.float64 else torch.float32
    return [images.to(dtype), centres.to(numbers), extents.to(numbers)]


def answers(function, tensors: list[Tensor], size: tuple[int, int], **options) -> dict[str, Tensor]:
    """Return the pooled images and the gradients of a fixed random combination of them, by name."""
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    pooled = function(*leaves, size, **options)
    # eighths are the same number in every dtype.
    cotangent = ((8 * torch.randn(pooled.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)).round() / 8).to(pooled)
    gradients = torch.autograd.grad(pooled, leaves, cotangent)
    return {"pooled": pooled.detach()} | {f"gradient of {name}": grad for name, grad in zip(NAMES, gradients, strict=True)}


def doubles(tensors: list[Tensor]) -> list[Tensor]:
    """Return the very numbers in float64."""
    return [tensor.double() for tensor in tensors]
