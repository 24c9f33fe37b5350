"""Divides by the length of an edge that has none."""

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
    own = tl.program_id(1) * VERTICES + tl.arange(0, VERTICES)
    base = polygons + b * stride_polygon
    grad_x, grad_y = tl.zeros((VERTICES,), tl.float32), tl.zeros((VERTICES,), tl.float32)
    for start in range(0, height * width, BLOCK):
        cell = start + tl.arange(0, BLOCK)
        x = ((2 * (cell % width) + 1).to(tl.float32) / width - 1.0) * extent
        y = (1.0 - (2 * (cell // width) + 1).to(tl.float32) / height) * extent
        nearest = tl.full((BLOCK,), float("inf"), tl.float32)
        sign = tl.full((BLOCK,), 1.0, tl.float32)
        far_x, far_y, at = tl.zeros((BLOCK,), tl.float32), tl.zeros((BLOCK,), tl.float32), tl.zeros((BLOCK,), tl.float32)
        edge = tl.zeros((BLOCK,), tl.int32)
        ax = tl.load(base + (points - 1) * stride_point).to(tl.float32)
        ay = tl.load(base + stride_axis + (points - 1) * stride_point).to(tl.float32)
        for n in range(0, points):
            bx = tl.load(base + n * stride_point).to(tl.float32)
            by = tl.load(base + stride_axis + n * stride_point).to(tl.float32)
            u, v, px, py = bx - ax, by - ay, x - ax, y - ay
            squared = u * u + v * v
            share = (px * u + py * v) / squared
            share = tl.where(share < 0.0, 0.0, tl.where(share > 1.0, 1.0, share))
            across = (px * v - py * u) / squared
            beside = (share > 0.0) & (share < 1.0)
            rest_x = tl.where(beside, across * v, px - share * u)
            rest_y = tl.where(beside, -across * u, py - share * v)
            found = rest_x * rest_x + rest_y * rest_y
            closer = (found < nearest) | (found != found)
            nearest, at, edge = tl.where(closer, found, nearest), tl.where(closer, share, at), tl.where(closer, n, edge)
            far_x, far_y = tl.where(closer, rest_x, far_x), tl.where(closer, rest_y, far_y)
            right = tl.where(v > 0.0, px * v < py * u, px * v >= py * u)
            sign = tl.where(((ay > y) != (by > y)) & right, -sign, sign)
            ax, ay = bx, by
        distance = tl.sqrt(nearest)
        wish = tl.load(pull + b * (height * width) + cell, mask=cell < height * width, other=0.0).to(tl.float32)
        soft = sign * distance / tau
        size = wish * sign * tl.sigmoid(soft) * tl.sigmoid(-soft) / (tau * tl.where(distance > 0.0, distance, 1.0))
        last = edge[None, :] == own[:, None]
        first = ((edge + points - 1) % points)[None, :] == own[:, None]
        share = tl.where(last, at[None, :], 0.0) + tl.where(first, 1.0 - at[None, :], 0.0)
        grad_x += tl.sum(share * (size * far_x)[None, :], axis=1)
        grad_y += tl.sum(share * (size * far_y)[None, :], axis=1)
    place = out + b * (2 * points) + own
    tl.store(place, grad_x, mask=own < points)
    tl.store(place + points, grad_y, mask=own < points)


def coverage_backward_grid(polygons: int, points: int, vertices: int) -> tuple[int, ...]:
    return polygons, -(-points // vertices)
