"""Heatmaps that tests of soft-argmax share, and the comparison by name."""

from __future__ import annotations

import torch
from torch import Tensor

# share of the largest reference value. float32 holds pixel 1000 to 3e-5 pixels, and a gradient is p times a distance from the mean;
# half precision rounds the answer once.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 5e-6, torch.float16: 1e-3, torch.bfloat16: 8e-3}


def logits(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    """Draw generic maps whose mass is spread over many pixels."""
    return (3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).to(dtype)


def gaussian(height: int, width: int, x: float, y: float, sigma: float) -> Tensor:
    """Render one peak-1 Gaussian, float64 ``[H, W]``."""
    columns = torch.arange(width, dtype=torch.float64) - x
    rows = torch.arange(height, dtype=torch.float64) - y
    return torch.exp(-(columns**2 + rows[:, None] ** 2) / (2 * sigma**2))


def answers(function, heatmaps: Tensor, **options) -> dict[str, Tensor]:
    """Return mean, variance and the gradient of a fixed random combination of both."""
    heatmaps = heatmaps.detach().requires_grad_()
    mean, variance = function(heatmaps, return_variance=True, **options)
    generator = torch.Generator().manual_seed(1)
    cotangents = [
        torch.randn(mean.shape, generator=generator, dtype=torch.float64).to(mean),
        # small beside the mean's, or the variance's gradient, larger by a map's width, would hide an error in the mean's.
        0.01 * torch.randn(mean.shape, generator=generator, dtype=torch.float64).to(mean),
    ]
    (gradient,) = torch.autograd.grad((mean, variance), heatmaps, cotangents)
    return {"mean": mean.detach(), "variance": variance.detach(), "gradient": gradient}


def assert_same_answers(came: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    """Hold every answer against a float64 reference, by name.

    Args:
        tolerance: allowed error as a share of the largest reference value of that name.
    """
    assert came.keys() == expected.keys()
    for name, want in expected.items():
        have = came[name]
        assert have.shape == want.shape, f"{name}: shape {tuple(have.shape)}, expected {tuple(want.shape)}"
        if want.numel() == 0:
            continue
        error = (have.double().cpu() - want.double().cpu()).abs().max().item()
        allowed = tolerance * max(want.abs().max().item(), 1e-3)
        # written so that NaN fails.
        assert error <= allowed, f"{name} is off by {error:.3g}, allowed {allowed:.3g}"
