"""The reading thread: bounded, its exceptions arrive, and it ends."""

import gc
import threading

import pytest

from vislab.data.read_ahead import ReadAhead


def test_items_come_in_order() -> None:
    assert list(ReadAhead(lambda: iter(range(1000)), 3, "test").items()) == list(range(1000))


def test_no_more_than_its_depth_is_made_ahead() -> None:
    made, ready = [], threading.Semaphore(0)

    def produce():
        for number in range(100):
            made.append(number)
            ready.release()
            yield number

    running = ReadAhead(produce, 3, "test")
    items = running.items()
    assert next(items) == 0
    # one taken, three waiting, one in the thread's hand.
    for _ in range(5):
        assert ready.acquire(timeout=30)
    assert not ready.acquire(timeout=0.1) and made == [0, 1, 2, 3, 4]
    items.close()
    assert not running.thread.is_alive()


def test_an_exception_comes_after_what_was_made_before_it() -> None:
    def produce():
        yield 1
        yield 2
        raise OSError("the disk is gone")

    running = ReadAhead(produce, 8, "test")
    items = running.items()
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)
    assert not running.thread.is_alive()


@pytest.mark.parametrize("how", ["close", "drop", "break"])
def test_the_thread_ends_with_its_reader(how: str) -> None:
    ended = threading.Event()

    def produce():
        try:
            while True:
                yield 0
        finally:
            ended.set()

    running = ReadAhead(produce, 2, "test")
    thread = running.thread
    items = running.items()
    next(items)
    if how == "close":
        running.close()
        with pytest.raises(RuntimeError, match="the loader was closed while it was read"):
            next(items)
    elif how == "drop":
        del items, running
        gc.collect()
    else:
        for _ in items:
            break
        del items
        gc.collect()
    thread.join(30)
    assert not thread.is_alive() and ended.is_set()


def test_closing_wakes_a_reader_that_waits() -> None:
    woken = threading.Event()
    released = threading.Event()

    def produce():
        released.wait(30)
        yield from ()

    running = ReadAhead(produce, 1, "test")
    told: list[str] = []

    def read() -> None:
        try:
            next(running.items())
        except RuntimeError as error:
            told.append(str(error))
        woken.set()

    reader = threading.Thread(target=read)
    reader.start()
    running._queue.close()
    released.set()
    assert woken.wait(30)
    reader.join(30)
    assert told == ["the loader was closed while it was read; make a new one"]
