"""Named tensors to bytes and back, by safetensors: no pickle, no objects, a closed list of dtypes."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load, save

from vislab.wire.header import parse_object
from vislab.wire.limits import DEFAULT_LIMITS, Limits, WireError, WireLimit

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
SENDABLE = frozenset(DTYPES.values())


def encode_tensors(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Pack named tensors into one safetensors body.

    Args:
        tensors: dense CPU tensors of a dtype in ``DTYPES``; views are copied to contiguous storage of their own.

    Raises:
        WireError: a dtype or layout that the wire does not carry.
    """
    if not tensors:
        return b""
    dense: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if not sendable(tensor):
            raise WireError(f"{name}: {tensor.dtype} {tensor.layout} cannot be sent; send a dense tensor of {sorted(DTYPES)}")
        # clone: safetensors refuses tensors that share storage.
        dense[name] = tensor.detach().to("cpu").contiguous().clone()
    return save(dense)


def sendable(tensor: torch.Tensor) -> bool:
    """Return whether the wire carries tensors of this kind: dense, with values, of a dtype in ``DTYPES``."""
    return (
        tensor.layout is torch.strided
        and tensor.dtype in SENDABLE
        and tensor.device.type != "meta"
        and not tensor.is_quantized
        and not tensor.is_nested
    )


def decode_tensors(body: bytes, limits: Limits = DEFAULT_LIMITS) -> dict[str, torch.Tensor]:
    """Unpack a safetensors body after checking its declared dtypes, ranks and count.

    Raises:
        WireError: malformed bytes; ``WireLimit`` for more than ``limits`` allow.
    """
    if not body:
        return {}
    if len(body) > limits.body_bytes:
        raise WireLimit(f"body of {len(body)} bytes exceeds the limit of {limits.body_bytes} bytes")
    if len(body) < 8:
        raise WireError(f"body of {len(body)} bytes is no safetensors file: its header length needs 8 bytes")
    (header_length,) = struct.unpack("<Q", body[:8])
    if header_length > limits.header_bytes:
        raise WireLimit(f"safetensors header of {header_length} bytes exceeds the limit of {limits.header_bytes} bytes")
    if header_length > len(body) - 8:
        raise WireError(f"safetensors header of {header_length} bytes does not fit the body of {len(body)} bytes")
    declared = parse_object(body[8 : 8 + header_length], "safetensors header")
    entries = {name: entry for name, entry in declared.items() if name != "__metadata__"}
    if len(entries) > limits.tensors:
        raise WireLimit(f"{len(entries)} tensors exceed the limit of {limits.tensors}")
    data = memoryview(body)[8 + header_length :]
    for name, entry in entries.items():
        _check(name[:60], entry, data, limits)
    try:
        return load(body)
    except Exception as error:  # safetensors raises its own Rust error class for every fault of the bytes
        raise WireError(f"safetensors body is malformed: {type(error).__name__}") from error


def _check(name: str, entry: Any, data: memoryview, limits: Limits) -> None:
    dtype = entry.get("dtype") if isinstance(entry, dict) else None
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise WireError(f"tensor {name!r} has a dtype outside {sorted(DTYPES)}")
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not _counts(shape):
        raise WireError(f"tensor {name!r} must have a shape of whole numbers")
    if len(shape) > limits.rank:
        raise WireLimit(f"tensor {name!r} has {len(shape)} axes, more than the limit of {limits.rank}")
    if not _counts(offsets) or len(offsets) != 2 or not offsets[0] <= offsets[1] <= len(data):
        raise WireError(f"tensor {name!r} must have two data offsets inside the body")
    size_bytes = math.prod(shape) * DTYPES[dtype].itemsize
    if size_bytes != offsets[1] - offsets[0]:
        raise WireError(f"tensor {name!r} of shape and dtype as declared has {size_bytes} bytes, not {offsets[1] - offsets[0]}")
    # a boolean that is neither 0 nor 1 compares unlike True and unlike False, depending on the code path.
    if dtype == "BOOL" and bytes(data[offsets[0] : offsets[1]]).strip(b"\x00\x01"):
        raise WireError(f"tensor {name!r} holds booleans that are neither 0 nor 1")


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
