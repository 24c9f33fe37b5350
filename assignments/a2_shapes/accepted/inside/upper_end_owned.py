"""An edge owns its upper end, and the ray runs to the left."""

import torch


def inside(points, polygons, rule):
    away = polygons.mT[:, None] - points[:, None]
    following = torch.cat((away[:, :, 1:], away[:, :, :1]), dim=2)
    (a, b), (c, d) = away.unbind(-1), following.unbind(-1)
    left = (a * d - b * c).sign() * ((b < 0).int() - (d < 0).int())
    winding = torch.where((b < 0) != (d < 0), torch.where(left < 0, (d < 0).int() - (b < 0).int(), 0), 0)
    return winding.abs().sum(dim=2) % 2 == 1 if rule == "even_odd" else winding.sum(dim=2) != 0
