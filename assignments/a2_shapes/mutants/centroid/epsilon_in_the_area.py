"""An epsilon in the denominator."""


def centroid(polygons):
    mean = polygons.mean(dim=2, keepdim=True)
    shapes = polygons - mean
    following = shapes.roll(-1, 2)
    cross = shapes[:, 0] * following[:, 1] - following[:, 0] * shapes[:, 1]
    area = cross.sum(dim=1, keepdim=True) / 2
    moment = ((shapes + following) * cross[:, None]).sum(dim=2)
    return mean[..., 0] + moment / (6 * (area + 1e-6 * area.sign()) + 1e-12)
