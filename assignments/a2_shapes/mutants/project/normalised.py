"""Codes of length one."""

from torch import Tensor


def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    codes = (shapes - mean).flatten(1) @ modes.flatten(1).T
    return codes / codes.norm(dim=1, keepdim=True)
