"""The loaders under measurement; each call runs one epoch and returns how many samples came."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import torch
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from benchmarks.loaders.plain import MEAN, STD, draw_row, prepare_batch, prepare_row
from benchmarks.loaders.sample_set import SIDE
from vislab.data.augment import AffineJitter, Augmentation, ColourJitter, Cutout
from vislab.data.dataset import open_dataset
from vislab.data.device_loader import DeviceLoader
from vislab.data.stream_loader import StreamLoader

_LIGHT = (0.5, ColourJitter(0.2, 0.2, 0.2), Cutout())
WORK: dict[str, Augmentation | None] = {
    "decode, normalise": None,
    "decode, normalise, augment": Augmentation(_LIGHT[0], None, _LIGHT[1], _LIGHT[2]),
    "decode, normalise, augment with affine": Augmentation(_LIGHT[0], AffineJitter(0.3, (0.9, 1.1), (0.1, 0.1)), _LIGHT[1], _LIGHT[2]),
}
ROWS_MAX = 1024
HEADLINE = "decode, normalise, augment"


class HDF5Rows(TorchDataset):
    """A map-style data set over an HDF5 file, opened once in each process, as the tutorials write it."""

    def __init__(self, path: Path, augmentation: Augmentation | None) -> None:
        self.path, self.augmentation = path, augmentation
        with h5py.File(path) as file:
            self.count = len(file["img"])
        self.file: h5py.File | None = None
        self.rng = random.Random(0)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        if self.file is None:
            # a handle opened before the fork must not be used after it.
            self.file = h5py.File(self.path)
            self.img, self.group = self.file["img"], self.file["group"]
        image = torch.from_numpy(self.img[row])
        return prepare_row(image, draw_row(self.augmentation, SIDE, self.rng), self.augmentation), int(self.group[row])


@dataclass(frozen=True)
class Contender:
    """One way to load: ``batches()`` gives the batches of one epoch, image and group number; ``count`` rows come."""

    batches: Callable[[], Iterator[tuple[Tensor, Tensor]]]
    count: int

    def epoch(self) -> int:
        """Run through one epoch."""
        count = 0
        for images, _ in self.batches():
            count += len(images)
        return count


def contenders(layout: Path, contiguous: Path, work: str, batch_size: int, device: torch.device, workers: int = 2) -> dict[str, Contender]:
    """All contenders for one kind of work; the first one, ``ours``, is ``DeviceLoader``.

    Loaders that read row by row draw their rows from the whole file, but end an epoch after ``ROWS_MAX`` of them, to save time.
    """
    augmentation = WORK[work]
    dataset = open_dataset(layout)
    options = {"fields": ["img", "group"], "device": device, "normalise": (MEAN, STD), "augmentation": augmentation}
    device_loader = DeviceLoader(dataset, batch_size, **options)
    stream_loader = StreamLoader(dataset, batch_size, **options)
    in_memory = DataLoader(TensorDataset(dataset["img"].tensor(), dataset["group"].tensor().long()), batch_size, shuffle=True)

    many, few = len(dataset), min(len(dataset), ROWS_MAX)

    def ours() -> Iterator[tuple[Tensor, Tensor]]:
        for batch in device_loader:
            yield batch["img"], batch["group"]

    def stream() -> Iterator[tuple[Tensor, Tensor]]:
        for batch in stream_loader:
            yield batch["img"], batch["group"]

    def tensors() -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator(device).manual_seed(0)
        for images, groups in in_memory:
            images, groups = images.to(device), groups.to(device)
            draws = None if augmentation is None else augmentation.draw(len(images), (SIDE, SIDE), generator, device)
            yield prepare_batch(images, draws, augmentation), groups

    def rows(path: Path, count: int) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
        rows = HDF5Rows(path, augmentation)
        sampler = RandomSampler(rows, num_samples=few)
        # workers that stay: their start is not measured.
        loader = DataLoader(rows, batch_size, sampler=sampler, num_workers=count, persistent_workers=count > 0)

        def batches() -> Iterator[tuple[Tensor, Tensor]]:
            for images, groups in loader:
                yield images.to(device), groups.to(device)

        return batches

    return {
        "ours": Contender(ours, many),
        "stream": Contender(stream, many),
        "tensordataset": Contender(tensors, many),
        "hdf5_0_workers": Contender(rows(layout, 0), few),
        f"hdf5_{workers}_workers": Contender(rows(layout, workers), few),
        "contiguous_0_workers": Contender(rows(contiguous, 0), few),
        f"contiguous_{workers}_workers": Contender(rows(contiguous, workers), few),
    }
