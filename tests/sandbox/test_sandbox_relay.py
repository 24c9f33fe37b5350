from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.sandbox.relay import Relay


class Service:
    """A stand-in for a kernel's socket."""

    def __init__(self, path: Path) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.settimeout(20)

    def accept(self) -> socket.socket:
        connection, _ = self.listener.accept()
        connection.settimeout(20)
        return connection


class Rig:
    def __init__(self, folder: Path, bytes_max: int = 1 << 30) -> None:
        self.near, far = folder / "near", folder / "far"
        self.service = Service(far)
        self.excess = threading.Event()
        self.relay = Relay({str(self.near): str(far)}, bytes_max, self.excess.set)
        self.relay.start()

    def connect(self) -> tuple[socket.socket, socket.socket]:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        client.connect(str(self.near))
        return client, self.service.accept()

    def close(self) -> None:
        self.relay.stop()
        self.service.listener.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def read_all(sock: socket.socket) -> bytes:
    content = b""
    while chunk := sock.recv(1 << 20):
        content += chunk
    return content


def test_bytes_are_carried_both_ways_and_counted_one_way(rig: Rig) -> None:
    client, kernel = rig.connect()
    with client, kernel:
        client.sendall(b"question")
        assert kernel.recv(100) == b"question"
        kernel.sendall(b"answer!")
        assert client.recv(100) == b"answer!"
    assert rig.relay.received_bytes == 7


def test_connections_do_not_mix(rig: Rig) -> None:
    first, second = rig.connect(), rig.connect()
    first[1].sendall(b"one")
    second[1].sendall(b"two")
    assert (first[0].recv(10), second[0].recv(10)) == (b"one", b"two")
    for sock in (*first, *second):
        sock.close()


def test_what_was_sent_before_the_end_arrives(rig: Rig) -> None:
    client, kernel = rig.connect()
    content = bytes(range(256)) * 20_000

    def send() -> None:
        kernel.sendall(content)
        kernel.close()

    thread = threading.Thread(target=send)
    thread.start()
    assert read_all(client) == content
    thread.join()
    client.close()


def test_a_side_that_does_not_read_holds_the_other_back(rig: Rig) -> None:
    client, kernel = rig.connect()
    kernel.settimeout(0.5)
    with pytest.raises(TimeoutError):
        kernel.sendall(bytes(64 << 20))
    assert rig.relay.received_bytes < 4 << 20
    client.close()
    kernel.close()


def test_too_much_ends_everything_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path, bytes_max=1000)
    client, kernel = rig.connect()
    kernel.sendall(bytes(1000))
    assert len(client.recv(2000)) == 1000
    assert not rig.relay.exceeded
    kernel.sendall(b"x")
    assert rig.excess.wait(20)
    assert rig.relay.exceeded
    assert client.recv(10) == b""
    with pytest.raises(OSError):
        rig.connect()
    client.close()
    kernel.close()
    rig.close()


def test_a_kernel_that_does_not_listen_yet_only_ends_that_attempt(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    relay = Relay({str(near): str(far)}, 1000, lambda: None)
    relay.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(near))
        assert client.recv(1) == b""
    service = Service(far)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(near))
        service.accept().close()
    relay.stop()
    service.listener.close()


def test_stopping_removes_the_sockets_and_is_repeatable(rig: Rig) -> None:
    client, kernel = rig.connect()
    rig.relay.stop()
    assert not rig.near.exists()
    assert client.recv(1) == b""
    rig.relay.stop()
    client.close()
    kernel.close()


def test_a_relay_that_could_not_start_can_be_stopped(tmp_path: Path) -> None:
    (tmp_path / "near").write_text("in the way")
    relay = Relay({str(tmp_path / "near"): "x"}, 1000, lambda: None)
    with pytest.raises(OSError):
        relay.start()
    relay.stop()
