"""Hard limits of the wire format, and the error for whatever breaks them."""

from __future__ import annotations

from dataclasses import dataclass


class WireError(ValueError):
    """A frame that breaks the format or its limits."""


class WireLimit(WireError):
    """A frame that is larger than its limits allow."""


class WireClosed(ConnectionError):
    """The other side went away between or inside frames."""


@dataclass(frozen=True)
class Limits:
    """What one frame may hold at most.

    Args:
        header_bytes: length of the JSON header, bytes.
        body_bytes: length of the safetensors body, bytes.
        tensors: number of tensors in a body.
        rank: number of axes of one tensor.
        depth: nesting depth of the JSON header.
    """

    header_bytes: int = 1 << 20
    body_bytes: int = 128 << 20
    tensors: int = 256
    rank: int = 8
    depth: int = 16


DEFAULT_LIMITS = Limits()
