"""Divides by zero, and then chooses the other value: the gradient is NaN all the same."""

import torch


def centroid(polygons):
    mean = polygons.mean(dim=2, keepdim=True)
    shapes = polygons - mean
    following = shapes.roll(-1, 2)
    cross = shapes[:, 0] * following[:, 1] - following[:, 0] * shapes[:, 1]
    area = cross.sum(dim=1, keepdim=True) / 2
    length = torch.linalg.vector_norm(following - shapes, dim=1).sum(dim=1, keepdim=True)
    area = torch.where(area.abs() <= 1e-6 * length.square(), 0.0, area)
    thin = area == 0
    moment = ((shapes + following) * cross[:, None]).sum(dim=2)
    return mean[..., 0] + torch.where(thin, 0.0, moment / (6 * area))
