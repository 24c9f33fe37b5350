"""What only the streaming loader promises: chunks once an epoch, a window, a thread that ends, exceptions that arrive."""

import gc
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from small_sets import write_icons

from vislab.data.dataset import Dataset, open_dataset
from vislab.data.device_loader import DeviceLoader
from vislab.data.layout.faults import FileDamaged
from vislab.data.stream_loader import Plan, StreamLoader


@pytest.fixture(scope="module")
def icons(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """300 icons, in chunks of 32 rows."""
    return open_dataset(write_icons(tmp_path_factory.mktemp("stream") / "icons.h5", 300, 300))


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "vislab-read-ahead"]


@pytest.mark.parametrize("window_rows", [1, 32, 33, 64, 1000])
def test_each_chunk_is_read_once_within_one_window(icons: Dataset, window_rows: int) -> None:
    assert icons.chunk_rows == 32
    rows = np.setdiff1d(np.arange(300), np.arange(40, 90))
    plan = Plan(icons, ("img",), rows, 32, window_rows)
    windows = plan.windows(True, 7)
    assert sorted(np.concatenate(windows).tolist()) == rows.tolist()
    chunks = [set((window // 32).tolist()) for window in windows]
    assert sum(map(len, chunks)) == len(set().union(*chunks)), "a chunk lies in two windows"
    assert max(map(len, windows)) <= plan.chunks_of_window * 32 < window_rows + 32
    if window_rows == 1000:
        # one window of everything is a full shuffle: neighbours of the file do not stay neighbours.
        assert np.mean(np.abs(np.diff(windows[0])) == 1) < 0.1


def test_rows_move_between_windows_from_epoch_to_epoch(icons: Dataset) -> None:
    loader = StreamLoader(icons, 10, fields=["group"], device="cpu", window_rows=64)
    first, second = ([set((batch["row"] // 32).tolist()) for batch in loader] for _ in range(2))
    assert first != second
    assert all(len(chunks) <= 4 for chunks in first + second), "a batch reaches over two windows at most"


def test_the_same_rows_and_values_as_on_the_device(icons: Dataset) -> None:
    options = {"split": "train", "fields": ["img", "polygon", "group"], "device": "cpu", "shuffle": False, "normalise": ([0.5], [0.3])}
    for one, other in zip(DeviceLoader(icons, 7, **options), StreamLoader(icons, 7, window_rows=40, **options), strict=True):
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("how", ["finish", "break", "drop", "close"])
def test_the_thread_ends(icons: Dataset, how: str) -> None:
    loader = StreamLoader(icons, 4, fields=["img"], device="cpu", window_rows=32, prefetch=1)
    batches = iter(loader)
    next(batches)
    (thread,) = readers()
    if how == "finish":
        list(batches)
    elif how == "close":
        loader.close()
        with pytest.raises(RuntimeError, match="the loader was closed"):
            next(batches)
        with pytest.raises(RuntimeError, match="the loader was closed; make a new one"):
            next(iter(loader))
    elif how == "break":
        for _ in batches:
            break
        del batches
    else:
        del loader, batches
    gc.collect()
    thread.join(30)
    assert readers() == []


def test_what_goes_wrong_in_the_thread_reaches_the_loop(tmp_path: Path) -> None:
    path = write_icons(tmp_path / "icons.h5", 200, 200)
    with h5py.File(path) as file:
        chunk = file["img"].id.get_chunk_info(4)
    raw = bytearray(path.read_bytes())
    raw[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(raw)
    loader = StreamLoader(open_dataset(path), 16, fields=["img"], device="cpu", shuffle=False, window_rows=32)
    rows: list[int] = []
    with pytest.raises(FileDamaged, match="is damaged or truncated"):
        for batch in loader:
            rows += batch["row"].tolist()
    # chunk 4 begins at row 128; what lies before it came first.
    assert rows == list(range(128))
    assert readers() == []


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    path = write_icons(tmp_path / "icons.h5")
    loader = StreamLoader(open_dataset(path), 4, device="cpu")
    path.unlink()
    with pytest.raises(FileNotFoundError, match="is no file; build the sets with `make data`"):
        next(iter(loader))


def test_sizes_that_make_no_sense(icons: Dataset) -> None:
    with pytest.raises(ValueError, match="prefetch 0 and window_rows None must be at least 1"):
        StreamLoader(icons, 4, prefetch=0)
    with pytest.raises(ValueError, match="prefetch 4 and window_rows 0 must be at least 1"):
        StreamLoader(icons, 4, window_rows=0)
    assert StreamLoader(icons, 4, device="cpu", window_rows=33).window_rows == 64
    state = StreamLoader(icons, 4, device="cpu", window_rows=33).state_dict()
    with pytest.raises(ValueError, match=r"state\['window_rows'\] is 64; this loader has 32"):
        StreamLoader(icons, 4, device="cpu", window_rows=32).load_state_dict(state)


@pytest.mark.needs_cuda
def test_on_a_gpu_the_batches_arrive_whole(icons: Dataset) -> None:
    options = {"fields": ["img", "group"], "shuffle": False}
    on_host = list(StreamLoader(icons, 16, device="cpu", **options))
    for one, other in zip(on_host, StreamLoader(icons, 16, device="cuda", prefetch=2, **options), strict=True):
        assert all(torch.allclose(one[name], other[name].cpu()) for name in one)
