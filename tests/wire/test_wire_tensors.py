"""Named tensors to bytes and back: every dtype, every limit, and bytes that lie."""

from __future__ import annotations

import json
import pickle
import struct
import warnings
from typing import Any

import pytest
import torch

from vislab.wire.limits import Limits, WireError, WireLimit
from vislab.wire.tensors import DTYPES, decode_tensors, encode_tensors, sendable


def body(header: Any, data: bytes = b"") -> bytes:
    """A safetensors body with a header of our own."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def entry(dtype: Any = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def of_dtype(dtype: torch.dtype, *shape: int) -> torch.Tensor:
    return (torch.arange(torch.Size(shape).numel()).reshape(shape) % 2 if dtype is torch.bool else torch.randn(shape) * 100).to(dtype)


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 5), (2, 3, 5), (1,) * 8], ids=str)
def test_round_trip_keeps_every_bit(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = of_dtype(dtype, *shape)
    (name, back), *rest = decode_tensors(encode_tensors({"out.0": tensor})).items()
    assert not rest and name == "out.0"
    assert back.dtype == dtype and back.shape == tensor.shape
    assert bits(back) == bits(tensor)


def test_special_values_survive() -> None:
    special = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 5e-324], dtype=torch.float64)
    assert bits(decode_tensors(encode_tensors({"x": special}))["x"]) == bits(special)


def test_views_arrive_as_what_they_show() -> None:
    base = torch.arange(24.0).reshape(4, 6)
    views = {
        "transposed": base.T,
        "strided": base[:, ::2],
        "expanded": base[:1].expand(3, 6),
        "flipped": base.flip(0),
        "shared": base,
        "imaginary": torch.tensor([1 + 2j]).conj().imag,
    }
    back = decode_tensors(encode_tensors(views))
    assert back.keys() == views.keys()
    for name, view in views.items():
        assert torch.equal(back[name], view), name


def test_no_tensors_is_no_body() -> None:
    assert encode_tensors({}) == b""
    assert decode_tensors(b"") == {}


def unsendable() -> dict[str, torch.Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "complex": torch.ones(2, dtype=torch.complex64),
            "float8": torch.ones(2).to(torch.float8_e4m3fn),
            "sparse": torch.eye(2).to_sparse(),
            "mkldnn": torch.eye(2).to_mkldnn(),
            "meta": torch.empty(2, device="meta"),
            "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8),
            "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
            "jagged": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),
        }


@pytest.mark.parametrize("kind", unsendable().keys())
def test_what_the_wire_does_not_carry_is_refused(kind: str) -> None:
    tensor = unsendable()[kind]
    assert not sendable(tensor)
    with pytest.raises(WireError, match=r"^odd: .* cannot be sent; send a dense tensor of "):
        encode_tensors({"odd": tensor})


def test_as_many_axes_and_tensors_as_allowed_and_not_one_more() -> None:
    limits = Limits(rank=3, tensors=2)
    fits = encode_tensors({"a": torch.ones(1, 1, 1), "b": torch.ones(2)})
    assert decode_tensors(fits, limits).keys() == {"a", "b"}
    with pytest.raises(WireLimit, match="tensor 'a' has 4 axes, more than the limit of 3"):
        decode_tensors(encode_tensors({"a": torch.ones(1, 1, 1, 1)}), limits)
    with pytest.raises(WireLimit, match="3 tensors exceed the limit of 2"):
        decode_tensors(encode_tensors({name: torch.ones(1) for name in "abc"}), limits)


def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    raw = encode_tensors({"a": torch.ones(4)})
    assert decode_tensors(raw, Limits(body_bytes=len(raw))).keys() == {"a"}
    with pytest.raises(WireLimit, match=rf"body of {len(raw)} bytes exceeds the limit of {len(raw) - 1} bytes"):
        decode_tensors(raw, Limits(body_bytes=len(raw) - 1))
    (header_length,) = struct.unpack("<Q", raw[:8])
    with pytest.raises(WireLimit, match=rf"safetensors header of {header_length} bytes exceeds the limit of 3 bytes"):
        decode_tensors(raw, Limits(header_bytes=3))


MALFORMED = {
    "too short": (b"\x01\x02", "needs 8 bytes"),
    "header longer than the body": (struct.pack("<Q", 100) + b"{}", "does not fit the body"),
    "header length of all ones": (b"\xff" * 8 + b"{}", "exceeds the limit"),
    "pickle": (pickle.dumps([torch.ones(3)]), "exceeds the limit|does not fit|not JSON"),
    "pickle behind an honest length": (body(pickle.dumps({"a": 1})), "not JSON: UnicodeDecodeError|not JSON: JSONDecodeError"),
    "no JSON": (body(b"nonsense"), "not JSON: JSONDecodeError"),
    "no UTF-8": (body(b'{"\xff": 1}'), "not JSON: UnicodeDecodeError"),
    "UTF-16": (body("{}".encode("utf-16")), "not JSON: UnicodeDecodeError"),
    "deep": (body(b"[" * 100_000), "not JSON: RecursionError"),
    "a list": (body([]), "must be a JSON object"),
    "NaN": (body(b'{"a": NaN}'), "NaN is no JSON number"),
    "huge number": (body(b'{"a": ' + b"9" * 5000 + b"}"), "not JSON: ValueError"),
    "number beyond float64": (body(b'{"a": 1e999}'), "a number is too large"),
    "a name twice": (
        body(b'{"a": {"dtype": "F64"}, "a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}', b"\0" * 8),
        "occurs twice",
    ),
    "a field twice": (body(b'{"a": {"dtype": "F64", "dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', b"\0" * 4), "occurs twice"),
    "entry is no object": (body({"a": 3}), "has a dtype outside"),
    "no dtype": (body({"a": {"shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4), "has a dtype outside"),
    "dtype is a list": (body(entry(dtype=["F32"]), b"\0" * 4), "has a dtype outside"),
    "unknown dtype": (body(entry(dtype="F8_E4M3", offsets=(0, 1)), b"\0"), "has a dtype outside"),
    "no shape": (body({"a": {"dtype": "F32", "data_offsets": [0, 4]}}, b"\0" * 4), "must have a shape"),
    "negative size": (body(entry(shape=(-1,)), b"\0" * 4), "must have a shape"),
    "fraction of a size": (body(entry(shape=(1.0,)), b"\0" * 4), "must have a shape"),
    "size that is a boolean": (body(entry(shape=(True,)), b"\0" * 4), "must have a shape"),
    "shape larger than the data": (body(entry(shape=(2,)), b"\0" * 4), "has 8 bytes, not 4"),
    "shape of more bytes than there are": (body(entry(shape=(1 << 62, 1 << 62)), b"\0" * 4), "not 4"),
    "offsets outside": (body(entry(offsets=(0, 8), shape=(2,)), b"\0" * 4), "two data offsets inside the body"),
    "offsets the wrong way round": (body(entry(offsets=(4, 0)), b"\0" * 4), "two data offsets inside the body"),
    "three offsets": (body(entry(offsets=(0, 4, 4)), b"\0" * 4), "two data offsets inside the body"),
    "no tensor can be that long": (body(entry(shape=(0, 1 << 62, 1 << 62), offsets=(0, 0))), "malformed"),
    "bytes that no tensor owns": (body(entry(), b"\0" * 8), "malformed"),
    "tensors that overlap": (
        body({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in "ab"}, b"\0" * 4),
        "malformed",
    ),
    "metadata of another kind": (body({"__metadata__": {"a": 1}, **entry()}, b"\0" * 4), "malformed"),
    "a boolean of 2": (body(entry(dtype="BOOL", shape=(3,), offsets=(0, 3)), b"\x01\x02\x00"), "neither 0 nor 1"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_bytes_are_a_wire_error(kind: str) -> None:
    raw, text = MALFORMED[kind]
    with pytest.raises(WireError, match=text):
        decode_tensors(raw)


def test_the_same_bytes_without_the_fault_pass() -> None:
    assert torch.equal(decode_tensors(body(entry(), struct.pack("<f", 1.5)))["a"], torch.tensor([1.5]))
    booleans = decode_tensors(body(entry(dtype="BOOL", shape=(3,), offsets=(0, 3)), b"\x01\x00\x01"))["a"]
    assert torch.equal(booleans, torch.tensor([True, False, True]))


def test_a_name_is_not_repeated_at_any_length() -> None:
    with pytest.raises(WireError) as caught:
        decode_tensors(body({"n" * 10_000: 3}))
    assert len(str(caught.value)) < 300
