"""Cuts the samples at both ends of the list without having sorted them."""

from torch import Tensor


def robust_centre(samples: Tensor, kind: str, delta: float = 1.0, share: float = 0.125) -> Tensor:
    ordered, count = samples.sort(dim=-1).values, samples.shape[-1]
    middle = (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2
    if kind == "median":
        return middle
    if kind == "trimmed":
        cut = int(share * count)
        return samples[..., cut : count - cut].mean(dim=-1)
    centre = middle[..., None]
    for _ in range(100):
        away = ((samples - centre) / delta).abs()
        weight = 1 / away.clamp(min=1) if kind == "huber" else 1 / (1 + away**2) ** 2
        centre = (weight * samples).sum(dim=-1, keepdim=True) / weight.sum(dim=-1, keepdim=True)
    return centre[..., 0]
