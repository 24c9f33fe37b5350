"""Named tensors to bytes and back, by safetensors: no pickle, no objects, a closed list of dtypes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import torch
from safetensors.torch import load, save

from vislab.wire.limits import DEFAULT_LIMITS, Limits, WireError

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
        if tensor.layout != torch.strided or tensor.dtype not in SENDABLE or tensor.is_quantized:
            raise WireError(f"{name}: {tensor.dtype} {tensor.layout} cannot be sent; send a dense tensor of {sorted(DTYPES)}")
        # clone: safetensors refuses tensors that share storage.
        dense[name] = tensor.detach().to("cpu").contiguous().clone()
    return save(dense)


def decode_tensors(body: bytes, limits: Limits = DEFAULT_LIMITS) -> dict[str, torch.Tensor]:
    """Unpack a safetensors body after checking its declared dtypes, ranks and count.

    Raises:
        WireError: malformed bytes, or more than ``limits`` allow.
    """
    if not body:
        return {}
    if len(body) > limits.body_bytes:
        raise WireError(f"body of {len(body)} bytes exceeds the limit of {limits.body_bytes} bytes")
    if len(body) < 8:
        raise WireError(f"body of {len(body)} bytes is no safetensors file: its header length needs 8 bytes")
    (header_length,) = struct.unpack("<Q", body[:8])
    if header_length > min(limits.header_bytes, len(body) - 8):
        raise WireError(f"safetensors header of {header_length} bytes does not fit the body or the limit of {limits.header_bytes}")
    try:
        declared = json.loads(body[8 : 8 + header_length])
    except (ValueError, RecursionError) as error:
        raise WireError(f"safetensors header is not JSON: {type(error).__name__}") from error
    if not isinstance(declared, dict):
        raise WireError("safetensors header must be a JSON object")
    entries = {name: entry for name, entry in declared.items() if name != "__metadata__"}
    if len(entries) > limits.tensors:
        raise WireError(f"{len(entries)} tensors exceed the limit of {limits.tensors}")
    for name, entry in entries.items():
        if not isinstance(entry, dict) or entry.get("dtype") not in DTYPES:
            raise WireError(f"tensor {name[:60]!r} has a dtype outside {sorted(DTYPES)}")
        shape = entry.get("shape")
        if not isinstance(shape, list) or len(shape) > limits.rank:
            raise WireError(f"tensor {name[:60]!r} must have at most {limits.rank} axes")
    try:
        return load(body)
    except Exception as error:  # safetensors raises its own Rust error class for every fault of the bytes
        raise WireError(f"safetensors body is malformed: {type(error).__name__}") from error
