"""Frames on a stream socket: two big-endian lengths, a JSON header, a safetensors body."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from vislab.wire.header import parse_object
from vislab.wire.limits import DEFAULT_LIMITS, Limits, WireClosed, WireError, WireLimit
from vislab.wire.tensors import decode_tensors, encode_tensors

_PREFIX = struct.Struct(">IQ")


@dataclass
class Message:
    """One frame: ``header`` is a JSON object with a string ``type``; ``tensors`` are named."""

    header: dict[str, Any]
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return str(self.header.get("type", ""))


def encode(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor] | None = None) -> bytes:
    """Serialise one frame. JSON refuses NaN here: a header carries names and counts, numbers of interest are tensors."""
    head = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    body = encode_tensors(tensors or {})
    return _PREFIX.pack(len(head), len(body)) + head + body


def send(sock: socket.socket, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor] | None = None) -> None:
    """Write one frame to a connected stream socket.

    Raises:
        WireClosed: the peer has gone.
    """
    send_encoded(sock, encode(header, tensors))


def send_encoded(sock: socket.socket, frame: bytes) -> None:
    """Write a frame that ``encode`` made.

    Raises:
        WireClosed: the peer has gone.
    """
    try:
        sock.sendall(frame)
    except ConnectionError as error:
        raise WireClosed("the other side closed the connection while a frame was being sent") from error


def receive(sock: socket.socket, limits: Limits = DEFAULT_LIMITS, deadline_s: float | None = None) -> Message:
    """Read one frame.

    Args:
        sock: connected stream socket.
        limits: hard limits; lengths are checked before memory is taken.
        deadline_s: ``time.monotonic()`` value after which reading stops with ``TimeoutError``; None waits for ever.

    Raises:
        WireClosed: end of stream.
        WireError: a frame outside the format; ``WireLimit`` for one beyond the limits.
        TimeoutError: the deadline passed, also in the middle of a frame that trickles in.
    """
    header_length, body_length = _PREFIX.unpack(_read(sock, _PREFIX.size, deadline_s))
    if header_length > limits.header_bytes:
        raise WireLimit(f"header of {header_length} bytes exceeds the limit of {limits.header_bytes} bytes")
    if body_length > limits.body_bytes:
        raise WireLimit(f"body of {body_length} bytes exceeds the limit of {limits.body_bytes} bytes")
    header = parse_object(_read(sock, header_length, deadline_s), "header")
    if not isinstance(header.get("type"), str):
        raise WireError("header must be a JSON object with a string 'type'")
    if _depth(header) > limits.depth:
        raise WireLimit(f"header is nested deeper than {limits.depth}")
    return Message(header, decode_tensors(_read(sock, body_length, deadline_s), limits))


def _read(sock: socket.socket, count: int, deadline_s: float | None) -> bytes:
    chunks = bytearray()
    while len(chunks) < count:
        if deadline_s is None:
            sock.settimeout(None)
        else:
            left = deadline_s - time.monotonic()
            if left <= 0:
                raise TimeoutError("no complete frame before the deadline")
            sock.settimeout(left)
        try:
            chunk = sock.recv(min(count - len(chunks), 1 << 20))
        except TimeoutError as error:
            raise TimeoutError("no complete frame before the deadline") from error
        except ConnectionError as error:
            raise WireClosed("the other side closed the connection") from error
        if not chunk:
            raise WireClosed("the other side closed the connection")
        chunks += chunk
    return bytes(chunks)


def _depth(value: Any) -> int:
    # iterative: a hostile header must not reach Python's recursion limit here.
    deepest, stack = 0, [(value, 1)]
    while stack:
        item, level = stack.pop()
        deepest = max(deepest, level)
        if isinstance(item, dict):
            stack.extend((child, level + 1) for child in item.values())
        elif isinstance(item, list):
            stack.extend((child, level + 1) for child in item)
    return deepest
