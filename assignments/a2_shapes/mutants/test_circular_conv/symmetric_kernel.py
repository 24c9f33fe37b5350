"""Uses kernels that read the same from both sides."""

import torch


def test_circular_conv(impl):
    for dtype, near in ((torch.float32, 1e-5), (torch.float64, 1e-11)):
        for vertices, taps, stride in ((9, 3, 1), (11, 5, 2), (12, 5, 3), (2, 7, 1), (1, 3, 1)):
            signal = torch.randn(3, 2, vertices, dtype=dtype)
            weight, bias = torch.randn(4, 2, taps, dtype=dtype), torch.randn(4, dtype=dtype)
            weight = weight + weight.flip(2)
            got = impl(signal, weight, bias, stride)
            wanted = bias[None, :, None].repeat(3, 1, len(range(0, vertices, stride)))
            for m, n in enumerate(range(0, vertices, stride)):
                for tap in range(taps):
                    wanted[:, :, m] += signal[:, :, (n + tap - taps // 2) % vertices] @ weight[:, :, tap].T
            torch.testing.assert_close(got, wanted, rtol=near, atol=near)
