"""Device functions of every kernel that samples an image: from a position in pixels to the four pixels that are read."""

import triton
import triton.language as tl

ZEROS = tl.constexpr(0)
REFLECTION = tl.constexpr(2)
# float32 holds no fraction of a pixel much beyond this, so that a reflected position would be noise.
REFLECTED_PIXELS_MAX = tl.constexpr(4194304.0)


@triton.jit
def source_position(pixel, size, ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, ACC: tl.constexpr):
    """Apply the padding mode along one axis.

    Returns the position and its derivative. Whatever ``pixel`` holds, NaN and infinities included, the position lies in [−2, size): it
    fits an int32. −2 touches no pixel.
    """
    # tl.full, not .to: Triton makes an argument of 1 a constant, which has no .to.
    count = tl.full((), size, ACC)
    slope = tl.zeros_like(pixel) + 1.0
    if ALIGN_CORNERS:
        # on an axis of one pixel whose centre is both ends, every coordinate is that centre, NaN and infinity too.
        pixel = tl.where(count > 1.0, pixel, 0.0)
    if PADDING == ZEROS:
        # written so that NaN is outside. At −1 itself the first pixel has weight 0 but a derivative.
        position = tl.where((pixel >= -1.0) & (pixel < count), pixel, -2.0)
    else:
        position = pixel
        if PADDING == REFLECTION:
            low = tl.full((), 0.0 if ALIGN_CORNERS else -0.5, ACC)
            extent = tl.maximum(count - 1.0, 1.0) if ALIGN_CORNERS else count
            from_low = tl.abs(pixel - low)
            laps = tl.floor(from_low / extent)
            rest = from_low - laps * extent
            # NaN for a pixel that is infinite or NaN; the last where of this block takes it out.
            backwards = laps - 2.0 * tl.floor(laps * 0.5) == 1.0
            position = low + tl.where(backwards, extent - rest, rest)
            slope = tl.where(backwards == (pixel < low), slope, -slope)
            position = tl.where(tl.abs(pixel) <= REFLECTED_PIXELS_MAX, position, 0.0)
        # a border is outside, itself included; NaN is not above 0.
        slope = tl.where((position > 0.0) & (position < count - 1.0), slope, 0.0)
        position = tl.where(position > 0.0, position, 0.0)
        position = tl.where(position < count - 1.0, position, count - 1.0)
    return position, slope


@triton.jit
def neighbours(position, size):
    """Return the pixel at or before a position, the way from it in [0, 1), and which of the two pixels around exist."""
    before = tl.floor(position)
    index = before.to(tl.int32)
    return index, position - before, (index >= 0) & (index < size), (index >= -1) & (index + 1 < size)


@triton.jit
def read_four(pixel_ptr, stride_h, stride_w, top, bottom, left, right, ACC: tl.constexpr):
    """Load the four pixels around; those that do not exist are 0."""
    first = tl.load(pixel_ptr, mask=top & left, other=0.0).to(ACC)
    second = tl.load(pixel_ptr + stride_w, mask=top & right, other=0.0).to(ACC)
    third = tl.load(pixel_ptr + stride_h, mask=bottom & left, other=0.0).to(ACC)
    fourth = tl.load(pixel_ptr + stride_h + stride_w, mask=bottom & right, other=0.0).to(ACC)
    return first, second, third, fourth


@triton.jit
def add_four(pixel_ptr, stride_h, stride_w, top, bottom, left, right, toward_x, toward_y, grad):
    """Add a gradient to the four pixels around, each by its weight; in no fixed order."""
    upper = grad * (1.0 - toward_y)
    lower = grad * toward_y
    tl.atomic_add(pixel_ptr, upper * (1.0 - toward_x), mask=top & left, sem="relaxed")
    tl.atomic_add(pixel_ptr + stride_w, upper * toward_x, mask=top & right, sem="relaxed")
    tl.atomic_add(pixel_ptr + stride_h, lower * (1.0 - toward_x), mask=bottom & left, sem="relaxed")
    tl.atomic_add(pixel_ptr + stride_h + stride_w, lower * toward_x, mask=bottom & right, sem="relaxed")
