from __future__ import annotations

import json

import pytest

from autograder.sandbox.connection import PORTS, Connection
from autograder.sandbox.faults import SandboxFault

INFO = {
    **{port: number for number, port in enumerate(PORTS, start=1)},
    "key": b"secret",
    "signature_scheme": "hmac-sha256",
    "ip": "outside",
}


def test_both_sides_name_the_same_sockets() -> None:
    connection = Connection()
    inside = json.loads(connection.file(INFO, "/run/kernel"))
    assert inside["ip"] == f"/run/kernel/{connection.token}"
    assert connection.stem_by_descriptor(7) == f"/proc/self/fd/7/{connection.token}"
    assert [inside[port] for port in PORTS] == [1, 2, 3, 4, 5]
    assert (inside["transport"], inside["key"]) == ("ipc", "secret")


def test_no_two_kernels_share_a_name() -> None:
    assert len({Connection().token for _ in range(100)}) == 100


def test_a_path_too_long_for_a_socket_is_refused() -> None:
    connection = Connection()
    longest = "/" + "x" * (107 - 2 - 1 - len(connection.token) - 1)
    assert len(f"{connection.stem(longest)}-1") == 107
    with pytest.raises(SandboxFault, match=r"-1 has 108 bytes and must have at most 107; shorten TMPDIR"):
        connection.stem(longest + "x")
