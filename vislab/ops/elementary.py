"""Elementary functions that Triton lacks or that overflow when written as in the book; for kernels."""

import triton
import triton.language as tl


@triton.jit
def tanh(x, DOUBLE: tl.constexpr):
    """Return the hyperbolic tangent, good to 3e-7 in float32 and to float64's own digits under ``DOUBLE``."""
    # of −2|x|: exp of a large number would overflow.
    decay = tl.exp(-2.0 * tl.abs(x))
    size = (1.0 - decay) / (1.0 + decay)
    saturated = tl.where(x < 0, -size, size)
    if DOUBLE:
        return saturated
    # 1 − exp loses the digits of a small x in float32; the series to x⁷ is exact to 3e-7 below 1/4.
    square = x * x
    series = x * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 - square * (17.0 / 315.0))))
    return tl.where(square < 0.0625, series, saturated)


@triton.jit
def log_sigmoid(x):
    """Return ``log(1 / (1 + exp(−x)))``."""
    return tl.minimum(x, 0.0) - tl.log(1.0 + tl.exp(-tl.abs(x)))
