"""The middle of the outline as if it were a wire."""

import torch


def centroid(polygons):
    following = polygons.roll(-1, 2)
    length = torch.linalg.vector_norm(following - polygons, dim=1)
    middle = ((polygons + following) / 2 * length[:, None]).sum(dim=2)
    return torch.where(length.sum(1, True) > 0, middle / length.sum(1, True).clamp(min=1e-30), polygons.mean(dim=2))
