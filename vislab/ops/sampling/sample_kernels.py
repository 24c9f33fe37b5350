"""What every kernel that samples an image does once it has positions: read and write forward, gather and scatter backward.

Beside the device functions stand the numbers that all launches of these kernels share.
"""

import torch
import triton
import triton.language as tl

from vislab.ops.launch import block_of, blocks_in, warps_for
from vislab.ops.sampling.source_pixel_kernels import add_four, neighbours, read_four, source_position
from vislab.ops.tiles import tile_of

# output pixels that one program holds at a time, four a thread, and channels that it walks over with the same positions.
_TILE = 512
_PIXELS_PER_WARP = 128
# a warp's width, so that neighbouring threads write side by side; short, so that a rotated tile reads from few rows.
_TILE_WIDTH_MAX = 32
_CHANNELS = 16


def constants_of(out_height, out_width, wide, padding, align_corners):
    """Return the constants that every kernel here is launched with; ``wide`` is the dtype that it computes in."""
    block = block_of(out_height, out_width, _TILE, _TILE_WIDTH_MAX)
    flags = {"ALIGN_CORNERS": align_corners, "PADDING": padding, "DOUBLE": wide == torch.float64}
    return flags | {
        "GROUP": _CHANNELS,
        "BLOCK_H": block[0],
        "BLOCK_W": block[1],
        "num_warps": warps_for(block[0] * block[1], _PIXELS_PER_WARP),
    }


def programs_of(channels, out_height, out_width, constants, group=_CHANNELS):
    """Return how many programs share one image, ``group`` channels each; fewer than one channel makes none."""
    return blocks_in(out_height, out_width, (constants["BLOCK_H"], constants["BLOCK_W"])) * triton.cdiv(channels, max(group, 1))


@triton.jit
def place(channels, group, out_height, out_width, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr):
    """Return this program's image, first channel, rows and columns; ``group`` channels a program."""
    program = tl.program_id(0).to(tl.int64)
    groups = tl.cdiv(channels, group)
    sample, row, column = tile_of(program // groups, out_height, out_width, BLOCK_H, BLOCK_W)
    return sample, (program % groups) * group, row, column


@triton.jit
def write_samples(
    image_ptr, output_ptr, x, y, sample, first, row, column, channels, group, height, width, out_height, out_width, x_b, x_c, x_h, x_w,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Sample a tile at positions in pixels, before any padding: four reads and a write for each of the channels from ``first`` on."""
    inside = (row < out_height)[:, None] & (column < out_width)[None, :]
    x, _ = source_position(x, width, ALIGN_CORNERS, PADDING, ACC)
    y, _ = source_position(y, height, ALIGN_CORNERS, PADDING, ACC)
    left_index, toward_x, left, right = neighbours(x, width)
    top_index, toward_y, top, bottom = neighbours(y, height)
    top = top & inside
    bottom = bottom & inside

    # int64: the offset of a row in a strided view can pass 2^31.
    plane = tl.full((), out_height, tl.int64) * out_width
    pixel_ptr = image_ptr + sample * x_b + first * x_c + top_index.to(tl.int64) * x_h + left_index.to(tl.int64) * x_w
    place_ptr = output_ptr + (sample * channels + first) * plane + row.to(tl.int64)[:, None] * out_width + column[None, :]
    for _ in range(first, tl.minimum(first + group, channels)):
        nw, ne, sw, se = read_four(pixel_ptr, x_h, x_w, top, bottom, left, right, ACC)
        upper = nw * (1.0 - toward_x) + ne * toward_x
        lower = sw * (1.0 - toward_x) + se * toward_x
        tl.store(place_ptr, upper * (1.0 - toward_y) + lower * toward_y, mask=inside)
        pixel_ptr += x_c
        place_ptr += plane


@triton.jit
def pull_back_samples(
    upstream_ptr, image_ptr, grad_image_ptr, x, y, sample, first, row, column, channels, group, height, width, out_height, out_width,
    u_b, u_c, u_h, u_w, x_b, x_c, x_h, x_w, g_b, g_c, g_h, g_w,
    ALIGN_CORNERS: tl.constexpr, PADDING: tl.constexpr, ACC: tl.constexpr, WITH_IMAGE: tl.constexpr, WITH_POSITIONS: tl.constexpr,
):  # fmt: skip
    """Add to the image's gradient, and return the gradients by the positions x and y, summed over the channels from ``first`` on."""
    inside = (row < out_height)[:, None] & (column < out_width)[None, :]
    x, slope_x = source_position(x, width, ALIGN_CORNERS, PADDING, ACC)
    y, slope_y = source_position(y, height, ALIGN_CORNERS, PADDING, ACC)
    left_index, toward_x, left, right = neighbours(x, width)
    top_index, toward_y, top, bottom = neighbours(y, height)
    top = top & inside
    bottom = bottom & inside

    top_offset = top_index.to(tl.int64)
    left_offset = left_index.to(tl.int64)
    place_ptr = upstream_ptr + sample * u_b + first * u_c + row.to(tl.int64)[:, None] * u_h + column.to(tl.int64)[None, :] * u_w
    pixel_ptr = image_ptr + sample * x_b + first * x_c + top_offset * x_h + left_offset * x_w
    grad_ptr = grad_image_ptr + sample * g_b + first * g_c + top_offset * g_h + left_offset * g_w
    grad_x = tl.zeros_like(x)
    grad_y = tl.zeros_like(y)
    for _ in range(first, tl.minimum(first + group, channels)):
        grad = tl.load(place_ptr, mask=inside, other=0.0).to(ACC)
        if WITH_POSITIONS:
            nw, ne, sw, se = read_four(pixel_ptr, x_h, x_w, top, bottom, left, right, ACC)
            grad_x += grad * ((ne - nw) * (1.0 - toward_y) + (se - sw) * toward_y)
            grad_y += grad * ((sw - nw) * (1.0 - toward_x) + (se - ne) * toward_x)
        if WITH_IMAGE:
            add_four(grad_ptr, g_h, g_w, top, bottom, left, right, toward_x, toward_y, grad)
        place_ptr += u_c
        pixel_ptr += x_c
        grad_ptr += g_c
    return grad_x * slope_x, grad_y * slope_y
