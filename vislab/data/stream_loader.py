"""The loader for sets that do not fit on the device: a thread reads ahead, chunk by chunk."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vislab.data.assembly import make_recipe
from vislab.data.augment import Augmentation
from vislab.data.dataset import Dataset, Rows
from vislab.data.device_loader import default_device, digest, finish_batch
from vislab.data.order import EpochLoader, mixed_seed
from vislab.data.read_ahead import ReadAhead
from vislab.data.selection import chosen_fields, chosen_rows

_ORDER = 1
_WINDOW_BYTES = 64 << 20


class StreamLoader(EpochLoader):
    """Batches from a set that is read while it is used; the interface, the batches' form and the state are ``DeviceLoader``'s.

    Rows that share a chunk of the file are read together, each chunk once an epoch: the chunks are shuffled, ``window_rows`` rows' worth of
    them are held in memory, and rows are shuffled within that window. So rows of one chunk come within one window of each other: with
    rows sorted by class in the file, choose a window of several classes.

    Memory: the window, the same again while the next one is read, and ``prefetch`` batches.

    Args:
        dataset, batch_size, split, rows, fields, device, shuffle, seed, drop_last, normalise, dtype, augmentation: as in ``DeviceLoader``;
            without ``shuffle`` rows come in ascending order, whatever the order of ``rows``.
        window_rows: rows that are shuffled among each other, at least 1; None takes what fits 64 MiB. Rounded up to whole chunks.
        prefetch: batches that wait ready at most, at least 1.

    Raises:
        ValueError, TypeError, IndexError, DataFileError: as in ``DeviceLoader``; what goes wrong while reading is raised by the loop, after
            the batches that were read before it.

    Convention:
        On CUDA a batch is copied from pinned memory on a stream of its own, while the model computes.

    Randomness:
        Order from ``(seed, epoch)`` on the CPU, augmentation from ``(seed, epoch, batch)`` on the device.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        split: str | None = None,
        rows: Rows | None = None,
        fields: Sequence[str] | None = None,
        device: torch.device | str | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        normalise: tuple[Sequence[float], Sequence[float]] | None = None,
        dtype: torch.dtype = torch.float32,
        augmentation: Augmentation | None = None,
        window_rows: int | None = None,
        prefetch: int = 4,
    ) -> None:
        if prefetch < 1 or (window_rows is not None and window_rows < 1):
            raise ValueError(f"prefetch {prefetch} and window_rows {window_rows} must be at least 1")
        self.info = chosen_fields(dataset, fields)
        self._recipe = make_recipe(self.info, normalise, dtype, augmentation)
        self.device = default_device(device)
        chosen = np.sort(chosen_rows(dataset, split, rows))
        super().__init__(len(chosen), batch_size, seed=seed, shuffle=shuffle, drop_last=drop_last)
        if window_rows is None:
            row_bytes = sum(int(np.prod(info.shape)) * np.dtype(info.dtype).itemsize for info in self.info.values())
            window_rows = max(1, _WINDOW_BYTES // max(1, row_bytes))
        self._plan = Plan(dataset, tuple(self.info), chosen, dataset.chunk_rows, window_rows)
        self._prefetch = prefetch
        self._rows_digest = digest(chosen)
        self._running: weakref.WeakSet[ReadAhead] = weakref.WeakSet()
        self._closed = False

    @property
    def window_rows(self) -> int:
        """Rows that are shuffled among each other, at most."""
        return self._plan.chunks_of_window * self._plan.chunk_rows

    def close(self) -> None:
        """Stop reading; a running loop ends with ``RuntimeError``, and the loader gives no more batches."""
        self._closed = True
        for running in list(self._running):
            running.close()

    def __enter__(self) -> StreamLoader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _made_with(self) -> dict[str, object]:
        return {**super()._made_with(), "rows": self._rows_digest, "window_rows": self.window_rows}

    def _batches(self, epoch: int, first: int) -> Iterator[dict[str, Tensor]]:
        if self._closed:
            raise RuntimeError("the loader was closed; make a new one")
        upload = _Upload(self.device)
        plan, size, shuffle, drop = self._plan, self.batch_size, self.shuffle, self.drop_last
        seed = mixed_seed(_ORDER, self.seed, epoch)

        def produce() -> Iterator[Parcel]:
            for columns in plan.batches(size, shuffle, seed, first, drop):
                yield upload.send(columns)

        running = ReadAhead(produce, self._prefetch, "vislab-read-ahead")
        self._running.add(running)
        parcels = running.items()
        try:
            for number, parcel in enumerate(parcels, first):
                stored = upload.receive(parcel)
                row = stored.pop("row")
                yield finish_batch(stored, row, self._recipe, self.device, self.seed, epoch, number)
        finally:
            running.close()


@dataclass(frozen=True)
class Plan:
    """Which rows are read when."""

    dataset: Dataset
    fields: tuple[str, ...]
    rows: np.ndarray
    chunk_rows: int
    window_rows: int

    @property
    def chunks_of_window(self) -> int:
        """Chunks that are read for one window."""
        return -(-self.window_rows // self.chunk_rows)

    def windows(self, shuffle: bool, seed: int) -> list[np.ndarray]:
        """The rows of an epoch, window by window, in the order in which they are handed out."""
        starts = np.flatnonzero(np.diff(self.rows // self.chunk_rows, prepend=-1))
        chunks = np.split(self.rows, starts[1:])
        generator = np.random.default_rng(seed)
        if shuffle:
            chunks = [chunks[index] for index in generator.permutation(len(chunks))]
        step = self.chunks_of_window
        windows = [np.concatenate(chunks[start : start + step]) for start in range(0, len(chunks), step)]
        return [generator.permutation(window) for window in windows] if shuffle else windows

    def batches(self, batch_size: int, shuffle: bool, seed: int, first: int, drop_last: bool) -> Iterator[dict[str, np.ndarray]]:
        """Read from batch ``first`` on; a dict of arrays for each batch, with ``row``."""
        skip = first * batch_size
        left: dict[str, np.ndarray] | None = None
        with self.dataset.reading() as file:
            for window in self.windows(shuffle, seed):
                if skip >= len(window):
                    # a window that lies wholly before the first batch is not read.
                    skip -= len(window)
                    continue
                window, skip = window[skip:], 0
                read = {name: self.dataset.read_from(file, name, window) for name in self.fields}
                read["row"] = window
                if left is not None:
                    read = {name: np.concatenate([left[name], values]) for name, values in read.items()}
                whole = len(read["row"]) // batch_size * batch_size
                for start in range(0, whole, batch_size):
                    yield {name: values[start : start + batch_size] for name, values in read.items()}
                left = {name: values[whole:].copy() for name, values in read.items()} if whole < len(read["row"]) else None
        if left is not None and not drop_last:
            yield left


@dataclass(frozen=True)
class Parcel:
    """A batch on its way to the device, and the event that says when it has arrived."""

    tensors: Mapping[str, Tensor]
    arrived: torch.cuda.Event | None


class _Upload:
    """Moves batches to the device: on CUDA from pinned memory, on a stream of its own."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def send(self, columns: Mapping[str, np.ndarray]) -> Parcel:
        """Called in the reading thread."""
        # copies, where a slice of the window would keep the window alive.
        tensors = {name: torch.from_numpy(np.array(values)) for name, values in columns.items()}
        if self._stream is None:
            return Parcel({name: tensor.to(self._device) for name, tensor in tensors.items()}, None)
        with torch.cuda.stream(self._stream):
            # pinned memory goes back to PyTorch's pool, which waits for the copy before it lends it again.
            moved = {name: tensor.pin_memory().to(self._device, non_blocking=True) for name, tensor in tensors.items()}
            return Parcel(moved, self._stream.record_event())

    def receive(self, parcel: Parcel) -> dict[str, Tensor]:
        """Called by the reader of batches; makes its stream wait for the copy."""
        if parcel.arrived is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(parcel.arrived)
            for tensor in parcel.tensors.values():
                # made on the other stream, used on this one: its memory must not be lent anew before this one is through.
                tensor.record_stream(current)
        return dict(parcel.tensors)
