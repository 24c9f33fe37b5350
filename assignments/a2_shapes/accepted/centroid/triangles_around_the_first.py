"""Middles of triangles around the first vertex, weighted by their areas."""

import torch


def centroid(polygons):
    shapes = polygons - polygons[:, :, :1]
    following = torch.cat((shapes[:, :, 1:], shapes[:, :, :1]), dim=2)
    twice = torch.linalg.det(torch.stack((shapes, following), dim=-1).transpose(1, 2))
    length = (following - shapes).detach().norm(dim=1).sum(dim=1)
    found = polygons.mean(dim=2)
    area = twice.sum(dim=1) / 2
    solid = (area.abs() > 1e-6 * length**2).nonzero()[:, 0]
    middle = ((shapes + following)[solid] / 3 * twice[solid, None]).sum(dim=2) / (2 * area[solid, None])
    return found.index_copy(0, solid, middle + polygons[solid, :, 0])
