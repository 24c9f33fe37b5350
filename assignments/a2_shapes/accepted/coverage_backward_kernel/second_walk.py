"""One program for each polygon walks twice round the border: for the nearest edge, then for what each edge receives."""

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
    for block in range(0, points, VERTICES):
        own = block + tl.arange(0, VERTICES)
        grad_x, grad_y = tl.zeros((VERTICES,), tl.float32), tl.zeros((VERTICES,), tl.float32)
        for start in range(0, height * width, BLOCK):
            cell = start + tl.arange(0, BLOCK)
            x = ((2 * (cell % width) + 1).to(tl.float32) / width - 1.0) * extent
            y = (1.0 - (2 * (cell // width) + 1).to(tl.float32) / height) * extent
            nearest, edge = tl.full((BLOCK,), float("inf"), tl.float32), tl.zeros((BLOCK,), tl.int32)
            sign = tl.full((BLOCK,), 1.0, tl.float32)
            for n in range(0, points):
                m = (n + points - 1) % points
                ax = tl.load(base + m * stride_point).to(tl.float32)
                ay = tl.load(base + m * stride_point + stride_axis).to(tl.float32)
                u = tl.load(base + n * stride_point).to(tl.float32) - ax
                v = tl.load(base + n * stride_point + stride_axis).to(tl.float32) - ay
                px, py = x - ax, y - ay
                squared = u * u + v * v
                across = px * v - py * u
                along = px * u + py * v
                # behind the first end, behind the last one, or beside the edge.
                found = tl.where(along <= 0.0, px * px + py * py, (px - u) * (px - u) + (py - v) * (py - v))
                beside = (along > 0.0) & (along < squared)
                found = tl.where(beside, across * across / tl.where(squared > 0.0, squared, 1.0), found)
                edge, nearest = tl.where(found < nearest, n, edge), tl.minimum(found, nearest)
                upward, downward = (py >= 0.0) & (py < v), (py < 0.0) & (py >= v)
                sign = tl.where((upward & (across < 0.0)) | (downward & (across >= 0.0)), -sign, sign)
            distance = tl.sqrt(nearest)
            wish = tl.load(pull + b * (height * width) + cell, mask=cell < height * width, other=0.0).to(tl.float32)
            size = sign * wish * tl.sigmoid(distance / tau) * tl.sigmoid(-distance / tau) / tau
            for n in range(0, points):
                m = (n + points - 1) % points
                ax = tl.load(base + m * stride_point).to(tl.float32)
                ay = tl.load(base + m * stride_point + stride_axis).to(tl.float32)
                u = tl.load(base + n * stride_point).to(tl.float32) - ax
                v = tl.load(base + n * stride_point + stride_axis).to(tl.float32) - ay
                px, py = x - ax, y - ay
                squared = u * u + v * v
                share = tl.minimum(tl.maximum((px * u + py * v) / tl.where(squared > 0.0, squared, 1.0), 0.0), 1.0)
                beside = (share > 0.0) & (share < 1.0)
                side = tl.where(px * v < py * u, -1.0, tl.where(px * v > py * u, 1.0, 0.0)) / tl.sqrt(tl.where(squared > 0.0, squared, 1.0))
                end = tl.where(nearest > 0.0, distance, 1.0)
                mine = tl.where(edge == n, size, 0.0)
                push_x = mine * tl.where(beside, side * v, (px - share * u) / end)
                push_y = mine * tl.where(beside, -side * u, (py - share * v) / end)
                grad_x += tl.where(own == n, tl.sum(share * push_x, axis=0), 0.0)
                grad_x += tl.where(own == m, tl.sum((1.0 - share) * push_x, axis=0), 0.0)
                grad_y += tl.where(own == n, tl.sum(share * push_y, axis=0), 0.0)
                grad_y += tl.where(own == m, tl.sum((1.0 - share) * push_y, axis=0), 0.0)
        tl.store(out + b * (2 * points) + own, grad_x, mask=own < points)
        tl.store(out + b * (2 * points) + points + own, grad_y, mask=own < points)


def coverage_backward_grid(polygons: int, points: int, vertices: int) -> tuple[int, ...]:
    return (polygons,)
