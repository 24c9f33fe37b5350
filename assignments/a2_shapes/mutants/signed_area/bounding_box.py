"""The area of the box around the polygon, with the right sign."""


def signed_area(polygons):
    x, y = (polygons - polygons.mean(dim=2, keepdim=True)).unbind(dim=1)
    sign = (x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum(dim=1).sign()
    return sign * (x.amax(1) - x.amin(1)) * (y.amax(1) - y.amin(1))
