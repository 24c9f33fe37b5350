"""Carries the bytes between the kernel's sockets and the grader's, and counts them.

A kernel that runs hostile code can send messages of endlessly many parts, which ZeroMQ collects in the grader's memory
before anybody sees the first one. Counting bytes on the way bounds that, whatever is in them.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Callable, Mapping

_CHUNK_BYTES = 256 * 1024
# A side that does not read stops the other from writing, as it would without a relay.
_PENDING_BYTES_MAX = 1 << 20


class _End:
    """One of the two sockets of a carried connection."""

    def __init__(self, sock: socket.socket, from_kernel: bool) -> None:
        self.sock = sock
        self.from_kernel = from_kernel
        self.pending = bytearray()
        self.ended = False
        self.peer: _End

    def wanted(self) -> int:
        reads = selectors.EVENT_READ if not self.ended and len(self.peer.pending) < _PENDING_BYTES_MAX else 0
        return reads | (selectors.EVENT_WRITE if self.pending else 0)


class Relay:
    """Listens on one socket per channel and carries every connection to the kernel's socket of that channel.

    Args:
        channels: path on this side, where the grader's client connects, to the path that leads to the kernel's socket.
        bytes_max: how much may come from the kernel in total, bytes.
        on_excess: called once, from the relay's thread, when more came; nothing is carried any more then.
    """

    def __init__(self, channels: Mapping[str, str], bytes_max: int, on_excess: Callable[[], None]) -> None:
        self._channels = dict(channels)
        self._bytes_max = bytes_max
        self._on_excess = on_excess
        self._selector = selectors.DefaultSelector()
        self._ends: set[_End] = set()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, name="sandbox-relay", daemon=True)
        self.received_bytes = 0
        self.exceeded = False

    def start(self) -> None:
        """Listen and begin to carry."""
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        for outside, inside in self._channels.items():
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._selector.register(listener, selectors.EVENT_READ, inside)
            listener.bind(outside)
            listener.listen()
            listener.setblocking(False)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and remove the sockets on this side."""
        self._wake.close()
        if self._thread.ident is None:
            self._close()
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _carry(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            self._close()
        if self.exceeded:
            self._on_excess()

    def _close(self) -> None:
        waited_for = [key.fileobj for key in self._selector.get_map().values()]
        self._selector.close()
        for sock in (*waited_for, *(end.sock for end in self._ends), self._wake, self._woken):
            assert isinstance(sock, socket.socket)
            sock.close()
        for outside in self._channels:
            if os.path.lexists(outside):
                os.unlink(outside)

    def _turn(self) -> bool:
        for key, events in self._selector.select():
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            if sock is self._woken:
                return False
            if isinstance(key.data, str):
                self._accept(sock, key.data)
            elif key.data in self._ends:
                self._move(key.data, events)
        self.exceeded = self.received_bytes > self._bytes_max
        return not self.exceeded

    def _accept(self, listener: socket.socket, inside: str) -> None:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # Nobody can make this wait: the kernel's sockets either accept at once or refuse.
            far.setblocking(False)
            far.connect(inside)
        except OSError:
            # The kernel does not listen yet; the client will try again.
            near.close()
            far.close()
            return
        near.setblocking(False)
        ends = (_End(near, from_kernel=False), _End(far, from_kernel=True))
        ends[0].peer, ends[1].peer = ends[1], ends[0]
        self._ends.update(ends)
        for end in ends:
            self._selector.register(end.sock, selectors.EVENT_READ, end)

    def _move(self, end: _End, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE and end.pending:
                del end.pending[: end.sock.send(end.pending)]
            if events & selectors.EVENT_READ and end.wanted() & selectors.EVENT_READ:
                chunk = end.sock.recv(_CHUNK_BYTES)
                end.ended = not chunk
                end.peer.pending += chunk
                self.received_bytes += len(chunk) if end.from_kernel else 0
        except BlockingIOError:
            pass
        except OSError:
            self._drop(end)
            return
        if (end.ended and not end.peer.pending) or (end.peer.ended and not end.pending):
            self._drop(end)
            return
        for side in (end, end.peer):
            self._listen_for(side)

    def _listen_for(self, end: _End) -> None:
        wanted = end.wanted()
        known = end.sock.fileno() in self._selector.get_map()
        if wanted and known:
            self._selector.modify(end.sock, wanted, end)
        elif wanted:
            self._selector.register(end.sock, wanted, end)
        elif known:
            # A socket with nothing to wait for must not be in the selector: it would report hang-ups in a busy loop.
            self._selector.unregister(end.sock)

    def _drop(self, end: _End) -> None:
        for side in (end, end.peer):
            if side in self._ends:
                self._ends.discard(side)
                if side.sock.fileno() in self._selector.get_map():
                    self._selector.unregister(side.sock)
                side.sock.close()
