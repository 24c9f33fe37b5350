"""The mean of the vertices, however they are spread."""


def centroid(polygons):
    return polygons.mean(dim=2)
