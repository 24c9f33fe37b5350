"""How the kernels of the ops on regions of interest divide their work, and how they read a box."""

import triton
import triton.language as tl

from vislab.ops.launch import block_of, blocks_in, warps_for

# outputs that one program holds at a time, 8 a thread, and bins among them.
TILE = 1024
_BINS_MAX = 64


def blocks_of(channels, bins):
    """Return a tile's channels and bins as a kernel's constants, and how many tiles cover one region."""
    block = block_of(channels, bins, TILE, _BINS_MAX)
    return {"BLOCK_C": block[0], "BLOCK_P": block[1], "num_warps": warps_of(block[0] * block[1])}, blocks_in(channels, bins, block)


def warps_of(outputs):
    """Return how many warps share a tile: 256 outputs each, at most 4."""
    return warps_for(outputs, 256, most=4)


@triton.jit
def load_region(boxes_ptr, index_ptr, region, images, scale, ACC: tl.constexpr):
    """Return a region's image, x1, y1, x2, y2 times ``scale``, and whether it is right: finite, and in an image that is there; else 0s."""
    image = tl.load(index_ptr + region)
    x1 = tl.load(boxes_ptr + region * 4).to(ACC) * scale
    y1 = tl.load(boxes_ptr + region * 4 + 1).to(ACC) * scale
    x2 = tl.load(boxes_ptr + region * 4 + 2).to(ACC) * scale
    y2 = tl.load(boxes_ptr + region * 4 + 3).to(ACC) * scale
    # x - x is 0 for every finite number and NaN for the others.
    right = ((x1 - x1) + (y1 - y1) + (x2 - x2) + (y2 - y2) == 0) & (image >= 0) & (image < images)
    x1, y1 = tl.where(right, x1, 0.0), tl.where(right, y1, 0.0)
    x2, y2 = tl.where(right, x2, 0.0), tl.where(right, y2, 0.0)
    return image, x1, y1, x2, y2, right
