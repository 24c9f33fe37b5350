"""No modes of its own: what must hold between the four answers."""

import torch


def test_fit_pca(impl) -> None:
    generator = torch.Generator().manual_seed(1)
    for dtype, allowed in ((torch.float32, 2e-4), (torch.float64, 1e-9)):
        for count, vertices in ((40, 6), (9, 11)):
            shapes = torch.randn(count, 2, vertices, generator=generator, dtype=torch.float64)
            shapes = (shapes * (1 + torch.arange(2 * vertices).reshape(2, vertices)) ** 0.7 / 3 + 0.8).to(dtype)
            mean, modes, variance, explained = impl(shapes, 3)
            assert mean.shape == (2, vertices) and modes.shape == (3, 2, vertices) and variance.shape == (3,) and explained.shape == ()
            assert all(part.dtype == dtype for part in (mean, modes, variance, explained))
            flat = modes.flatten(1)
            assert torch.allclose(flat @ flat.T, torch.eye(3, dtype=dtype), atol=allowed)
            assert torch.allclose(mean, shapes.mean(dim=0), atol=allowed)
            assert bool((flat.gather(1, flat.abs().argmax(dim=1, keepdim=True)) > 0).all())
            away = (shapes - shapes.mean(dim=0)).flatten(1)
            codes = away @ flat.T
            assert torch.allclose(codes.square().mean(dim=0), variance, rtol=allowed)
            right = torch.linalg.svdvals(away.double())[:3] ** 2 / count
            assert torch.allclose(variance.double(), right, rtol=allowed)
            left_over = (away - codes @ flat).square().sum() / away.square().sum()
            assert abs(float(1 - explained - left_over)) < allowed
            empty = impl(shapes, 0)
            assert empty[1].shape == (0, 2, vertices) and empty[2].shape == (0,) and abs(float(empty[3])) < allowed
