"""Whatever bytes arrive, decoding gives tensors or a WireError, and nothing else."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vislab.wire.frames import encode, receive
from vislab.wire.limits import Limits, WireClosed, WireError
from vislab.wire.tensors import DTYPES, decode_tensors, encode_tensors

LIMITS = Limits(header_bytes=4096, body_bytes=1 << 16, tensors=4, rank=4, depth=8)
QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
json_values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4))
sizes = st.integers(-2, 6) | st.sampled_from([1 << 31, 1 << 62, 1 << 64]) | json_values
entries = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from([*DTYPES, "F8_E5M2", "C64", ""]) | json_values,
        "shape": st.lists(sizes, max_size=6) | json_values,
        "data_offsets": st.lists(sizes, max_size=3) | st.tuples(st.just(0), st.integers(0, 64)).map(list) | json_values,
    },
)


def decoded_or_refused(raw: bytes) -> None:
    try:
        tensors = decode_tensors(raw, LIMITS)
    except WireError:
        return
    assert len(tensors) <= LIMITS.tensors
    for tensor in tensors.values():
        assert type(tensor) is torch.Tensor and tensor.dtype in DTYPES.values() and tensor.ndim <= LIMITS.rank
        assert tensor.numel() * tensor.element_size() <= len(raw)


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes(raw: bytes) -> None:
    decoded_or_refused(raw)


@QUICK
@given(st.dictionaries(st.sampled_from(["a", "b", "__metadata__", ""]), entries | json_values, max_size=6), st.binary(max_size=64))
def test_any_header_before_any_data(header: dict[str, Any], data: bytes) -> None:
    raw = json.dumps(header).encode()
    decoded_or_refused(struct.pack("<Q", len(raw)) + raw + data)


@QUICK
@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 60))
def test_an_honest_body_with_one_byte_changed_or_cut_short(place: int, value: int, cut: int) -> None:
    raw = bytearray(encode_tensors({"out.0": torch.arange(6.0).reshape(2, 3), "out.1": torch.tensor([True, False])}))
    raw[place % len(raw)] = value
    decoded_or_refused(bytes(raw[: len(raw) - cut]))


@QUICK
@given(st.binary(max_size=200), st.integers(0, 200), st.booleans())
def test_any_frame_on_a_socket(noise: bytes, place: int, honest_prefix: bool) -> None:
    raw = encode({"type": "answer", "id": 1}, {"out.0": torch.ones(3)})
    sent = raw[:place] + noise if honest_prefix else noise
    left, right = socket.socketpair()
    with left, right:
        left.sendall(sent)
        left.close()
        try:
            message = receive(right, LIMITS, time.monotonic() + 60)
        except (WireError, WireClosed):
            return
    assert isinstance(message.header["type"], str)


def test_an_exception_of_another_kind_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(name: str, entry: dict[str, Any], data: memoryview, limits: Limits) -> None:
        if entry.get("dtype") not in DTYPES:
            raise WireError("unknown dtype")

    raw = json.dumps({"a": {"dtype": ["F32"], "shape": [], "data_offsets": [0, 0]}}).encode()
    raw = struct.pack("<Q", len(raw)) + raw
    decoded_or_refused(raw)
    # an unhashable dtype is what a check by set membership alone stumbles over.
    monkeypatch.setattr("vislab.wire.tensors._check", careless)
    with pytest.raises(TypeError, match="unhashable"):
        decoded_or_refused(raw)
