"""Asks for the box around the polygon."""


def inside(points, polygons, rule):
    low, high = polygons.amin(dim=2)[:, None], polygons.amax(dim=2)[:, None]
    return ((points >= low) & (points <= high)).all(dim=-1)
