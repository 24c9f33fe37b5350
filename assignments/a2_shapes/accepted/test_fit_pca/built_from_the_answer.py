"""Outlines made of known modes, which must be found."""

import torch


def test_fit_pca(impl) -> None:
    generator = torch.Generator().manual_seed(2)
    for dtype, allowed in ((torch.float32, 3e-4), (torch.float64, 1e-9)):
        for count, vertices in ((30, 5), (7, 9)):
            codes = torch.randn(count, 4, generator=generator, dtype=torch.float64)
            codes = torch.linalg.qr(codes - codes.mean(dim=0)).Q * count**0.5
            known = torch.linalg.qr(torch.randn(2 * vertices, 4, generator=generator, dtype=torch.float64)).Q.T
            known = torch.stack([mode if mode.max() > -mode.min() else -mode for mode in known])
            sizes = torch.tensor([2.0, 1.3, 0.7, 0.3], dtype=torch.float64)
            middle = torch.randn(2, vertices, generator=generator, dtype=torch.float64) + 1
            shapes = middle + (codes * sizes @ known).reshape(count, 2, vertices)
            mean, modes, variance, explained = impl(shapes.to(dtype), 2)
            empty = impl(shapes.to(dtype), 0)
            assert empty[1].shape == (0, 2, vertices) and empty[2].shape == (0,) and abs(float(empty[3])) < allowed
            expected = middle, known[:2].reshape(2, 2, vertices), sizes[:2] ** 2, (sizes[:2] ** 2).sum() / (sizes**2).sum()
            for got, right in zip((mean, modes, variance, explained), expected):
                assert got.dtype == dtype and got.shape == right.shape
                assert torch.allclose(got.double(), right, rtol=0.0, atol=allowed)
