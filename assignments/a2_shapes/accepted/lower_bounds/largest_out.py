"""The largest weight taken out."""

from torch import Tensor


def lower_bounds(log_weights: Tensor) -> tuple[Tensor, Tensor]:
    largest = log_weights.detach().amax(dim=0)
    return log_weights.mean(dim=0), (log_weights - largest).exp().mean(dim=0).log() + largest
