"""Divides by the length of an edge that has none."""

import triton
import triton.language as tl


@triton.jit
def coverage_kernel(polygons, out, points, height, width, extent, tau, stride_polygon, stride_axis, stride_point, BLOCK: tl.constexpr):
    b = tl.program_id(0).to(tl.int64)
    cell = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = ((2 * (cell % width) + 1).to(tl.float32) / width - 1.0) * extent
    y = (1.0 - (2 * (cell // width) + 1).to(tl.float32) / height) * extent
    base = polygons + b * stride_polygon
    ax = tl.load(base + (points - 1) * stride_point).to(tl.float32)
    ay = tl.load(base + stride_axis + (points - 1) * stride_point).to(tl.float32)
    nearest = tl.full((BLOCK,), float("inf"), tl.float32)
    odd = tl.zeros((BLOCK,), tl.int32)
    for n in range(0, points):
        bx = tl.load(base + n * stride_point).to(tl.float32)
        by = tl.load(base + stride_axis + n * stride_point).to(tl.float32)
        u, v = bx - ax, by - ay
        px, py = x - ax, y - ay
        squared = u * u + v * v
        share = (px * u + py * v) / squared
        share = tl.where(share < 0.0, 0.0, tl.where(share > 1.0, 1.0, share))
        rest_x, rest_y = px - share * u, py - share * v
        found = rest_x * rest_x + rest_y * rest_y
        nearest = tl.where(nearest < found, nearest, found)
        crossed = (ay > y) != (by > y)
        right = tl.where(v > 0.0, px * v < py * u, px * v >= py * u)
        odd += tl.where(crossed, right.to(tl.int32), 0)
        ax, ay = bx, by
    signed = tl.where(odd % 2 == 1, -tl.sqrt(nearest), tl.sqrt(nearest))
    tl.store(out + b * (height * width) + cell, tl.sigmoid(-signed / tau), mask=cell < height * width)


def coverage_grid(polygons: int, height: int, width: int, block: int) -> tuple[int, ...]:
    return polygons, -(-height * width // block)
