"""The two coordinates one after the other."""

import math

from torch import Tensor


def point_nll(predicted: Tensor, log_variance: Tensor, target: Tensor, kind: str) -> Tensor:
    away = target - predicted
    if kind == "gaussian":
        precision = log_variance.neg().exp()
        x = away[..., 0] ** 2 * precision[..., 0] + log_variance[..., 0]
        y = away[..., 1] ** 2 * precision[..., 1] + log_variance[..., 1]
        return math.log(2 * math.pi) + (x + y) / 2
    log_scale = (log_variance - math.log(2)) / 2
    each = math.log(2) + log_scale + away.abs() / log_scale.exp()
    return each[..., 0] + each[..., 1]
