"""Values that cross to an implementation on the judge's side and back: tensors by name, plain values as JSON.

VALUE = {"tensor": NAME, "stride": [int…] | null} | {"plain": JSON} | {"items": [VALUE…], "tuple": bool}
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from vislab.wire.limits import WireError
from vislab.wire.tensors import sendable

DEPTH_MAX = 3
ITEMS_MAX = 64
# elements of the memory in which a strided input is rebuilt.
REBUILT_MAX = 1 << 22


class Uncrossable(TypeError):
    """A value that cannot be handed to an implementation, or come back from one."""


def pack(value: Any, name: str, tensors: dict[str, torch.Tensor], depth: int = 0) -> dict[str, Any]:
    """Describe one value and put its tensors aside.

    Args:
        value: a dense tensor, a number, a text, None, or a tuple or list of such.
        name: begins the names of its tensors.
        tensors: receives them.

    Raises:
        Uncrossable: anything else, and NaN or an infinity that is no tensor.
    """
    if isinstance(value, torch.Tensor):
        if not sendable(value):
            raise Uncrossable(
                f"a tensor of {value.dtype}, {value.layout} on {value.device} cannot be handed over; use a dense one on the CPU"
            )
        tensors[name] = value.detach()
        return {"tensor": name, "stride": None if value.is_contiguous() else list(value.stride())}
    if isinstance(value, (tuple, list)):
        if depth >= DEPTH_MAX or len(value) > ITEMS_MAX:
            raise Uncrossable(f"a list deeper than {DEPTH_MAX} or longer than {ITEMS_MAX} cannot be handed over; use a tensor")
        items = [pack(item, f"{name}.{i}", tensors, depth + 1) for i, item in enumerate(value)]
        return {"items": items, "tuple": isinstance(value, tuple)}
    if value is None or isinstance(value, (bool, str)):
        return {"plain": value}
    if isinstance(value, int) and abs(value) < 2**63:
        return {"plain": int(value)}
    if isinstance(value, float) and math.isfinite(value):
        return {"plain": float(value)}
    raise Uncrossable(f"{type(value).__name__} {value!r:.40} cannot be handed over; use tensors and finite plain values")


def unpack(spec: Any, tensors: Mapping[str, torch.Tensor], depth: int = 0) -> Any:
    """Rebuild a value that ``pack`` described, strides included; gaps between strided elements hold NaN (or 1).

    Raises:
        WireError: a description that ``pack`` does not write.
    """
    if not isinstance(spec, dict):
        raise WireError("a value must be described by a JSON object")
    if set(spec) == {"tensor", "stride"}:
        name = spec["tensor"]
        if not isinstance(name, str) or name not in tensors:
            raise WireError("a value names a tensor that was not sent")
        return tensors[name] if spec["stride"] is None else _restrided(tensors[name], spec["stride"])
    if set(spec) == {"items", "tuple"}:
        items = spec["items"]
        if depth >= DEPTH_MAX or not isinstance(items, list) or len(items) > ITEMS_MAX:
            raise WireError("a list of values is too deep or too long")
        values = [unpack(item, tensors, depth + 1) for item in items]
        return tuple(values) if spec["tuple"] is True else values
    if set(spec) == {"plain"} and (spec["plain"] is None or isinstance(spec["plain"], (bool, int, float, str))):
        return spec["plain"]
    raise WireError("a value is described in an unknown way")


def pack_call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Describe the arguments of a call: header fields ``args`` and ``kwargs``, and their tensors."""
    if len(args) > ITEMS_MAX or len(kwargs) > ITEMS_MAX:
        raise Uncrossable(f"more than {ITEMS_MAX} arguments cannot be handed over")
    tensors: dict[str, torch.Tensor] = {}
    described = {
        "args": [pack(value, f"in.{i}", tensors) for i, value in enumerate(args)],
        "kwargs": {name: pack(value, f"kw.{name}", tensors) for name, value in kwargs.items()},
    }
    return described, tensors


def unpack_call(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> tuple[list[Any], dict[str, Any]]:
    """Rebuild the arguments that ``pack_call`` described.

    Raises:
        WireError: a header that it does not write.
    """
    args, kwargs = header.get("args"), header.get("kwargs")
    if not isinstance(args, list) or not isinstance(kwargs, dict) or len(args) > ITEMS_MAX or len(kwargs) > ITEMS_MAX:
        raise WireError("a call must bring a list of arguments and an object of named ones")
    return [unpack(spec, tensors) for spec in args], {name: unpack(spec, tensors) for name, spec in kwargs.items()}


def _restrided(values: torch.Tensor, stride: Any) -> torch.Tensor:
    if not isinstance(stride, list) or len(stride) != values.ndim or not all(type(step) is int and 0 <= step < 2**40 for step in stride):
        raise WireError("strides must be whole numbers, one per axis")
    if values.numel() == 0:
        return values
    extent = 1 + sum((size - 1) * step for size, step in zip(values.shape, stride))
    if extent > REBUILT_MAX:
        # a small view of something huge: the values count, its memory does not travel.
        return values
    filler = float("nan") if values.is_floating_point() else 1
    buffer = torch.full((extent,), filler, dtype=values.dtype)
    view = buffer.as_strided(values.shape, stride)
    if _overlaps(values.shape, stride):
        # several positions share an element (an expanded tensor): the last one written counts, as all are equal in an honest one.
        index = torch.zeros(tuple(values.shape), dtype=torch.int64)
        for axis, (size, step) in enumerate(zip(values.shape, stride)):
            index += (torch.arange(size) * step).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
        buffer[index.reshape(-1)] = values.reshape(-1)
        return view
    return view.copy_(values)


def _overlaps(shape: Sequence[int], stride: Sequence[int]) -> bool:
    reach = 0
    for step, size in sorted((step, size) for step, size in zip(stride, shape) if size > 1):
        if step <= reach:
            return True
        reach += (size - 1) * step
    return False
