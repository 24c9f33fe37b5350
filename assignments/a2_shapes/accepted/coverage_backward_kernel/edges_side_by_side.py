"""Edges in lanes beside pixels in lanes: a table of one block by one block, and the nearest edge by the smallest number among equals."""

import triton
import triton.language as tl


@triton.jit
def coverage_backward_kernel(
    polygons,
    pull,
    out,
    points,
    height,
    width,
    extent,
    tau,
    stride_polygon,
    stride_axis,
    stride_point,
    BLOCK: tl.constexpr,
    VERTICES: tl.constexpr,
):
    b = tl.program_id(0).to(tl.int64)
    base = polygons + b * stride_polygon
    own = tl.program_id(1) * VERTICES + tl.arange(0, VERTICES)
    grad_x, grad_y = tl.zeros((VERTICES,), tl.float32), tl.zeros((VERTICES,), tl.float32)
    for block in range(0, height * width, BLOCK):
        pixel = block + tl.arange(0, BLOCK)
        x = (((2 * (pixel % width) + 1).to(tl.float32) / width - 1.0) * extent)[:, None]
        y = ((1.0 - (2 * (pixel // width) + 1).to(tl.float32) / height) * extent)[:, None]
        nearest, at = tl.full((BLOCK,), 3.0e38, tl.float32), tl.zeros((BLOCK,), tl.float32)
        edge, odd = tl.zeros((BLOCK,), tl.int32), tl.zeros((BLOCK,), tl.int32)
        way_x, way_y = tl.zeros((BLOCK,), tl.float32), tl.zeros((BLOCK,), tl.float32)
        for start in range(0, points, VERTICES):
            n = (start + tl.arange(0, VERTICES))[None, :]
            known, before = n < points, (n + points - 1) % points
            ax = tl.load(base + before * stride_point, mask=known, other=0.0).to(tl.float32)
            ay = tl.load(base + before * stride_point + stride_axis, mask=known, other=0.0).to(tl.float32)
            bx = tl.load(base + n * stride_point, mask=known, other=0.0).to(tl.float32)
            by = tl.load(base + n * stride_point + stride_axis, mask=known, other=0.0).to(tl.float32)
            u, v, px, py = bx - ax, by - ay, x - ax, y - ay
            squared = tl.where((u == 0.0) & (v == 0.0), 1.0, u * u + v * v)
            share = tl.minimum(tl.maximum((px * u + py * v) / squared, 0.0), 1.0)
            across = (px * v - py * u) / squared
            beside = (share > 0.0) & (share < 1.0)
            rest_x, rest_y = tl.where(beside, across * v, px - share * u), tl.where(beside, -across * u, py - share * v)
            found = tl.where(known, rest_x * rest_x + rest_y * rest_y, 3.0e38)
            odd += tl.sum(tl.where(known & ((ay > y) != (by > y)) & ((across < 0.0) == (v > 0.0)), 1, 0), axis=1)
            least = tl.min(found, axis=1)
            # one lane of those that are as near.
            lane = tl.min(tl.where(found == least[:, None], n, 2147483647), axis=1)
            chosen = n == lane[:, None]
            closer = least < nearest
            at = tl.where(closer, tl.sum(tl.where(chosen, share, 0.0), axis=1), at)
            way_x = tl.where(closer, tl.sum(tl.where(chosen, rest_x, 0.0), axis=1), way_x)
            way_y = tl.where(closer, tl.sum(tl.where(chosen, rest_y, 0.0), axis=1), way_y)
            nearest, edge = tl.where(closer, least, nearest), tl.where(closer, lane, edge)
        distance = tl.sqrt(nearest)
        wish = tl.load(pull + b * (height * width) + pixel, mask=pixel < height * width, other=0.0).to(tl.float32)
        small = tl.exp(-distance / tau)
        size = wish * small / ((1.0 + small) * (1.0 + small) * tau) / tl.where(distance > 0.0, distance, 1.0)
        size = tl.where(odd % 2 == 1, -size, size)[:, None]
        mine = tl.where(own[None, :] == edge[:, None], at[:, None], 0.0)
        mine += tl.where(own[None, :] == ((edge + points - 1) % points)[:, None], 1.0 - at[:, None], 0.0)
        grad_x += tl.sum(mine * size * way_x[:, None], axis=0)
        grad_y += tl.sum(mine * size * way_y[:, None], axis=0)
    tl.store(out + b * (2 * points) + own, grad_x, mask=own < points)
    tl.store(out + b * (2 * points) + points + own, grad_y, mask=own < points)


def coverage_backward_grid(polygons: int, points: int, vertices: int) -> tuple[int, ...]:
    return polygons, -(-points // vertices)
