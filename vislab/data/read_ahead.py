"""A bounded queue between a reading thread and its caller, which ends when either side does."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Closed(Exception):
    """The other side has closed the queue."""


class _Queue(Generic[Item]):
    """At most ``depth`` items; closing it wakes whoever waits."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._items: deque[Item] = deque()
        self._turn = threading.Condition()
        self._closed = False
        self._done = False
        self._error: BaseException | None = None

    def put(self, item: Item) -> None:
        with self._turn:
            self._turn.wait_for(lambda: self._closed or len(self._items) < self._depth)
            if self._closed:
                raise Closed
            self._items.append(item)
            self._turn.notify_all()

    def finish(self, error: BaseException | None) -> None:
        with self._turn:
            self._done, self._error = True, error
            self._turn.notify_all()

    def take(self) -> Item:
        """The next item; ``StopIteration``'s place is taken by ``Closed`` when there is none left."""
        with self._turn:
            self._turn.wait_for(lambda: self._items or self._done or self._closed)
            if self._items and not self._closed:
                item = self._items.popleft()
                self._turn.notify_all()
                return item
            if self._error is not None and not self._closed:
                raise self._error
            raise Closed

    def close(self) -> None:
        with self._turn:
            self._closed = True
            self._items.clear()
            self._turn.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed


class ReadAhead(Generic[Item]):
    """Runs ``produce()`` in a thread and hands its items over, at most ``depth`` waiting.

    An exception in the thread is raised by ``items`` after the items that came before it. ``close`` stops the thread at its next item; it
    must be called, or the generator of ``items`` be closed or dropped.
    """

    def __init__(self, produce: Callable[[], Iterator[Item]], depth: int, name: str) -> None:
        self._queue: _Queue[Item] = _Queue(depth)
        # the thread knows the queue alone: were it to know this object, nobody could drop it.
        self.thread = threading.Thread(target=_fill, args=(produce, self._queue), name=name, daemon=True)
        self.thread.start()

    def items(self) -> Iterator[Item]:
        """The items in order; closes when it is exhausted, closed or dropped."""
        try:
            while True:
                try:
                    item = self._queue.take()
                except Closed:
                    if self._queue.closed:
                        raise RuntimeError("the loader was closed while it was read; make a new one") from None
                    return
                yield item
        finally:
            self.close()

    def close(self) -> None:
        """Stop the thread and wait for it."""
        self._queue.close()
        if self.thread is not threading.current_thread():
            self.thread.join()


def _fill(produce: Callable[[], Iterator[Item]], queue: _Queue[Item]) -> None:
    items = None
    error: BaseException | None = None
    try:
        items = produce()
        for item in items:
            queue.put(item)
    except Closed:
        pass
    except BaseException as caught:
        # whatever it is belongs to the caller, who waits.
        error = caught
    finally:
        # a generator that holds a file open closes it here, in the thread that opened it.
        close = getattr(items, "close", None)
        if close is not None:
            close()
        queue.finish(error)
