"""Computes in float32, whatever comes in."""


def signed_area(polygons):
    x, y = (polygons.float() - polygons.float().mean(dim=2, keepdim=True)).unbind(dim=1)
    return ((x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum(dim=1) / 2).to(polygons.dtype)
