"""Asks whether the area is zero to the last bit."""

import torch


def centroid(polygons):
    mean = polygons.mean(dim=2, keepdim=True)
    shapes = polygons - mean
    following = shapes.roll(-1, 2)
    cross = shapes[:, 0] * following[:, 1] - following[:, 0] * shapes[:, 1]
    area = cross.sum(dim=1, keepdim=True) / 2
    length = torch.linalg.vector_norm(following - shapes, dim=1).sum(dim=1, keepdim=True)
    thin = area.abs() == 0 * length.square()
    moment = ((shapes + following) * cross[:, None]).sum(dim=2)
    return mean[..., 0] + torch.where(thin, 0.0, moment / torch.where(thin, 1.0, 6 * area))
