"""Leaves out the edge from the last vertex to the first."""


def signed_area(polygons):
    x, y = (polygons - polygons.mean(dim=2, keepdim=True)).unbind(dim=1)
    return (x[:, :-1] * y[:, 1:] - x[:, 1:] * y[:, :-1]).sum(dim=1) / 2
