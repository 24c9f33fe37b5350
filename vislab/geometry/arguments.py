"""What the functions of this folder refuse in the polygons that they are given."""

from __future__ import annotations

from torch import Tensor


def refuse_polygons(name: str, polygons: Tensor) -> None:
    """Raise unless ``polygons``, an argument called ``name``, is a floating ``[B, 2, N]`` with N at least 1.

    Raises:
        TypeError: it is no floating tensor.
        ValueError: it has another shape.
    """
    refuse_kind(name, polygons)
    if polygons.ndim != 3 or polygons.shape[1] != 2 or polygons.shape[2] == 0:
        raise ValueError(f"{name}.shape {tuple(polygons.shape)} must be [B, 2, N] with N at least 1; give one polygon as polygon[None]")


def refuse_unlike(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Raise unless two arguments have one dtype and lie on one device.

    Raises:
        TypeError: two dtypes.
        ValueError: two devices.
    """
    if value.dtype != other.dtype:
        rule = f"{name}.dtype {value.dtype} must equal {other_name}.dtype {other.dtype}"
        raise TypeError(f"{rule}; convert with {name}.to({other_name}.dtype)")
    if value.device != other.device:
        raise ValueError(f"{name}.device {value.device} must equal {other_name}.device {other.device}; use {name}.to({other_name}.device)")


def refuse_kind(name: str, value: Tensor) -> None:
    """Raise TypeError unless ``value``, an argument called ``name``, is a floating tensor."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} is {kind}; it must be a floating tensor; convert with torch.as_tensor({name}, dtype=torch.float32)")
