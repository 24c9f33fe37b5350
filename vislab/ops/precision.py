"""The dtypes that ops take, the dtype that they sum in, and the check that names both."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
# asked once: torch.compile of PyTorch 2.11 cannot look into the question.
_WITH_AUTOCAST = frozenset(filter(torch.amp.autocast_mode.is_autocast_available, ("cpu", "cuda", "mps", "xpu")))


def accumulator(*dtypes: torch.dtype) -> torch.dtype:
    """Return what sums over tensors of these dtypes are taken in: float64 where any of them is, float32 otherwise."""
    return torch.float64 if torch.float64 in dtypes else torch.float32


def check_floating(name: str, tensor: object) -> None:
    """Refuse what is no floating tensor.

    Raises:
        TypeError: naming the argument, what it is, and the conversion.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} is {type(tensor).__name__}; it must be a torch.Tensor; convert with torch.as_tensor({name})")
    if tensor.dtype not in FLOATING:
        raise TypeError(f"{name}.dtype {tensor.dtype} must be one of {FLOATING}; convert with {name}.float()")


def check_alike(name: str, tensor: Tensor, other_name: str, other: Tensor) -> None:
    """Refuse a tensor whose dtype or device is not the main input's.

    Raises:
        TypeError: another dtype.
        ValueError: another device.
    """
    if tensor.dtype != other.dtype:
        raise TypeError(
            f"{name}.dtype {tensor.dtype} must equal {other_name}.dtype {other.dtype}; convert with {name}.to({other_name}.dtype)"
        )
    if tensor.device != other.device:
        raise ValueError(f"{name} is on {tensor.device}, {other_name} on {other.device}; move it with {name}.to({other_name}.device)")


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Keep autocast from rounding the matrix products of a ``with`` block to half precision."""
    return torch.autocast(device.type, enabled=False) if device.type in _WITH_AUTOCAST else nullcontext()
