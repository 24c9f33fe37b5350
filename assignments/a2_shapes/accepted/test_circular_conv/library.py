"""Against the built-in where there is one, and against the ring laid out where there is none."""

import torch


def test_circular_conv(impl):
    for dtype, near in ((torch.float32, 1e-5), (torch.float64, 1e-11)):
        for batch, vertices, taps, stride in ((2, 8, 3, 1), (1, 13, 5, 3), (3, 10, 7, 4), (2, 2, 7, 1), (2, 1, 5, 1)):
            signal, bias = torch.randn(batch, 3, vertices, dtype=dtype), torch.randn(5, dtype=dtype)
            weight = torch.randn(5, 3, taps, dtype=dtype)
            ring = signal[:, :, torch.arange(-(taps // 2), vertices + taps // 2) % vertices]
            wanted = torch.nn.functional.conv1d(ring, weight, bias, stride=stride)
            torch.testing.assert_close(impl(signal, weight, bias, stride), wanted, rtol=near, atol=near)
