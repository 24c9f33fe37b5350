"""How the kernel's five sockets are named on both sides of the walls."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.sandbox.faults import SandboxFault

PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
# Unix socket paths end at 107 bytes; ``-1`` to ``-5`` is appended to the stem.
SOCKET_PATH_BYTES = 107


@dataclass(frozen=True)
class Connection:
    """The sockets of one run's kernel, ``<folder>/<token>-1`` to ``-5``.

    Behind walls the folder is the sandbox's own, in memory; no path on this machine leads there. The grader holds it
    open and reaches the sockets through that descriptor, so that nothing is left behind when the sandbox is gone. The
    token is new for each run: a descriptor number or a folder's name may be used again, a token never is, so that a
    late reconnect cannot end at another submission's kernel.
    """

    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def stem(self, folder: str) -> str:
        """Return the ``ip`` of jupyter's ipc transport for a folder inside the walls.

        Raises:
            SandboxFault: the path would be too long for a Unix socket.
        """
        stem = f"{folder}/{self.token}"
        size = len(stem.encode()) + 2
        if size > SOCKET_PATH_BYTES:
            raise SandboxFault(f"socket path {stem}-1 has {size} bytes and must have at most {SOCKET_PATH_BYTES}; shorten TMPDIR")
        return stem

    def stem_by_descriptor(self, descriptor: int) -> str:
        """Return the stem under which this process reaches the same sockets through an open folder."""
        return self.stem(f"/proc/self/fd/{descriptor}")

    def file(self, info: Mapping[str, Any], folder: str) -> bytes:
        """Return the connection file that the kernel reads.

        Args:
            info: jupyter's connection info; its ports, key and signature scheme are kept.
            folder: the socket folder as the kernel sees it.
        """
        key = info["key"]
        inside = {
            **{port: info[port] for port in PORTS},
            "ip": self.stem(folder),
            "transport": "ipc",
            "key": key.decode() if isinstance(key, bytes) else key,
            "signature_scheme": info["signature_scheme"],
            "kernel_name": "python3",
        }
        return json.dumps(inside).encode()
