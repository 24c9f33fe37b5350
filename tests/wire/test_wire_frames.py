"""Frames on a socket: what is sent arrives, what breaks a limit or the clock does not."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch

from vislab.wire.frames import Message, encode, receive, send
from vislab.wire.limits import Limits, WireClosed, WireError, WireLimit


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with left, right:
        yield left, right


def frame(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">IQ", len(header), len(body)) + header + body


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Run ``work`` in a thread that has ended when the block has."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(timeout=60)
        assert not thread.is_alive()


def soon() -> float:
    return time.monotonic() + 60


def test_a_message_arrives_as_it_was_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    tensors = {"in.0": torch.randn(3, 4), "cot.0": torch.tensor(True)}
    header = {"type": "case", "id": 3, "plan": {"args": [1, None, "ä"]}}
    send(pair[0], header, tensors)
    send(pair[0], {"type": "done"})
    first, second = receive(pair[1], deadline_s=soon()), receive(pair[1], deadline_s=soon())
    assert first.type == "case" and first.header == header
    assert first.tensors.keys() == tensors.keys() and all(torch.equal(first.tensors[name], tensors[name]) for name in tensors)
    assert second == Message({"type": "done"}, {})


def test_a_frame_larger_than_the_socket_buffer_arrives(pair: tuple[socket.socket, socket.socket]) -> None:
    large = torch.arange(3 << 20, dtype=torch.float32)
    with beside(lambda: send(pair[0], {"type": "answer"}, {"out.0": large})):
        assert torch.equal(receive(pair[1], deadline_s=soon()).tensors["out.0"], large)


def test_a_header_carries_no_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"type": "answer", "error": float("nan")})


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (b"", "not JSON: JSONDecodeError"),
        (b"{", "not JSON: JSONDecodeError"),
        (b"[1]", "must be a JSON object$"),
        (b"7", "must be a JSON object$"),
        (b"{}", "with a string 'type'"),
        (b'{"type": 3}', "with a string 'type'"),
        (b'{"type": "a", "type": "b"}', "a name occurs twice"),
        (b'{"type": "a", "x": NaN}', "NaN is no JSON number"),
        (b'{"type": "a", "x": -Infinity}', "-Infinity is no JSON number"),
        (b'{"type": "a", "x": 1e400}', "a number is too large"),
        (b'{"type": "a", "x": ' + b"1" * 5000 + b"}", "not JSON: ValueError"),
        (b'{"type": "a", "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "not JSON: RecursionError|nested deeper"),
        (b'{"type": "a\xff"}', "not JSON: UnicodeDecodeError"),
    ],
)
def test_a_malformed_header_is_a_wire_error(pair: tuple[socket.socket, socket.socket], header: bytes, text: str) -> None:
    pair[0].sendall(frame(header))
    with pytest.raises(WireError, match=text):
        receive(pair[1], deadline_s=soon())


def test_nesting_is_allowed_to_the_limit(pair: tuple[socket.socket, socket.socket]) -> None:
    def nested(levels: int) -> bytes:
        # the header object is the first level, the number inside the last.
        return b'{"type": "a", "x": ' + b"[" * (levels - 2) + b"1" + b"]" * (levels - 2) + b"}"

    pair[0].sendall(frame(nested(16)))
    assert receive(pair[1], Limits(depth=16), soon()).type == "a"
    pair[0].sendall(frame(nested(17)))
    with pytest.raises(WireLimit, match="nested deeper than 16"):
        receive(pair[1], Limits(depth=16), soon())


def test_lengths_are_refused_before_anything_is_read(pair: tuple[socket.socket, socket.socket]) -> None:
    # only the prefix is sent: whoever waits for the rest, or takes memory for it, never returns.
    pair[0].sendall(struct.pack(">IQ", 1 << 31, 0))
    with pytest.raises(WireLimit, match="header of 2147483648 bytes exceeds the limit of 1048576 bytes"):
        receive(pair[1], deadline_s=soon())
    pair[0].sendall(struct.pack(">IQ", 2, 1 << 63))
    with pytest.raises(WireLimit, match="body of 9223372036854775808 bytes exceeds the limit"):
        receive(pair[1], deadline_s=soon())


def test_lengths_of_exactly_the_limit_pass(pair: tuple[socket.socket, socket.socket]) -> None:
    # the header is the longer of the two: the limit holds for the one inside the body as well.
    raw = encode({"type": "a", "padding": "x" * 200}, {"x": torch.ones(5)})
    header_length, body_length = struct.unpack(">IQ", raw[:12])
    pair[0].sendall(raw)
    assert receive(pair[1], Limits(header_bytes=header_length, body_bytes=body_length), soon()).type == "a"
    pair[0].sendall(raw)
    with pytest.raises(WireLimit, match="header of"):
        receive(pair[1], Limits(header_bytes=header_length - 1, body_bytes=body_length), soon())


def test_a_body_is_decoded_under_the_same_limits(pair: tuple[socket.socket, socket.socket]) -> None:
    send(pair[0], {"type": "a"}, {name: torch.ones(1) for name in "abcd"})
    with pytest.raises(WireLimit, match="4 tensors exceed the limit of 3"):
        receive(pair[1], Limits(tensors=3), soon())


@pytest.mark.parametrize("count", [0, 1, 11, 12, 14, 30])
def test_a_peer_that_leaves_inside_a_frame_is_closed(pair: tuple[socket.socket, socket.socket], count: int) -> None:
    raw = encode({"type": "answer"}, {"out.0": torch.ones(100)})
    pair[0].sendall(raw[:count])
    pair[0].close()
    with pytest.raises(WireClosed, match="the other side closed the connection"):
        receive(pair[1], deadline_s=soon())


def test_sending_to_a_peer_that_left_is_closed(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[1].close()
    with pytest.raises(WireClosed, match="while a frame was being sent"):
        send(pair[0], {"type": "answer"})


def test_silence_ends_at_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError, match="no complete frame before the deadline"):
        receive(pair[1], deadline_s=time.monotonic() + 0.05)
    # no single wait may be longer than what is left.
    assert pair[1].gettimeout() is not None and pair[1].gettimeout() <= 0.05


def test_a_deadline_in_the_past_is_over_even_if_bytes_wait(pair: tuple[socket.socket, socket.socket]) -> None:
    send(pair[0], {"type": "answer"})
    with pytest.raises(TimeoutError):
        receive(pair[1], deadline_s=time.monotonic() - 1)


def test_a_trickling_sender_cannot_move_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    stop = threading.Event()
    raw = encode({"type": "answer"}, {"out.0": torch.ones(10_000)})

    def trickle() -> None:
        # a byte every 10 ms: each arrives well inside the time that is left, the whole never does.
        for byte in raw:
            if stop.wait(0.01):
                return
            try:
                pair[0].send(bytes([byte]))
            except OSError:
                return

    with beside(trickle):
        try:
            with pytest.raises(TimeoutError, match="no complete frame before the deadline"):
                receive(pair[1], deadline_s=time.monotonic() + 0.3)
        finally:
            stop.set()


def test_a_frame_in_many_small_pieces_is_whole(pair: tuple[socket.socket, socket.socket]) -> None:
    raw = encode({"type": "answer", "id": 1}, {"out.0": torch.arange(20)})

    def pieces() -> None:
        for start in range(0, len(raw), 3):
            pair[0].sendall(raw[start : start + 3])

    with beside(pieces):
        assert torch.equal(receive(pair[1], deadline_s=soon()).tensors["out.0"], torch.arange(20))


def test_a_peer_that_never_reads_ends_at_the_sockets_timeout(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].settimeout(0.2)
    with pytest.raises(TimeoutError):
        send(pair[0], {"type": "case"}, {"in.0": torch.ones(4 << 20)})


def test_a_body_that_holds_a_pickle_is_never_loaded(pair: tuple[socket.socket, socket.socket], tmp_path) -> None:
    import pickle

    canary = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return (canary.write_text, ("pickle was executed",))

    head = json.dumps({"type": "answer"}).encode()
    pair[0].sendall(frame(head, pickle.dumps(Bomb())))
    with pytest.raises(WireError):
        receive(pair[1], deadline_s=soon())
    assert not canary.exists()
    # the canary sings when the bytes are loaded, so its silence above means something.
    pickle.loads(pickle.dumps(Bomb()))
    assert canary.read_text() == "pickle was executed"
