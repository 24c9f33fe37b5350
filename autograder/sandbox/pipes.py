"""Small pieces of plumbing between this process and one it starts."""

from __future__ import annotations

import os
import threading
from typing import IO

_TAIL_BYTES = 64 * 1024
_JOIN_S = 15.0


class Tail:
    """Reads a pipe to its end in a thread and keeps the last bytes: a flood fills neither pipe nor memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._drain, name="sandbox-output", daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        with self._stream:
            while chunk := os.read(self._stream.fileno(), 1 << 16):
                self._kept += chunk
                del self._kept[:-_TAIL_BYTES]

    def text(self) -> str:
        """Return what was kept; invalid UTF-8 is replaced."""
        return bytes(self._kept).decode("utf-8", "replace")

    def join(self) -> None:
        """Wait until the pipe has ended."""
        self._thread.join(_JOIN_S)


def memory_file(name: str, content: bytes) -> int:
    """Return the descriptor of an unnamed file in memory, ready to be read from its beginning."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def read_until(descriptor: int, end: bytes) -> bytes:
    """Read a pipe until ``end`` has come; returns nothing when the pipe closes before."""
    content = b""
    while end not in content:
        chunk = os.read(descriptor, 4096)
        if not chunk:
            return b""
        content += chunk
    return content
