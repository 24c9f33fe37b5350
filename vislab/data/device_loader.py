"""The loader for sets that fit on the device: everything lies there as stored, and a batch is one gather away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from vislab.data.assembly import assemble, make_recipe
from vislab.data.augment import Augmentation
from vislab.data.dataset import Dataset, Rows
from vislab.data.order import EpochLoader, seeded
from vislab.data.selection import chosen_fields, chosen_rows

# what a seed is used for, so that order and augmentation draw from unrelated streams.
_ORDER, _AUGMENT = 1, 2
# batches made at once: at most so many, and at most so many bytes of images.
_TOGETHER_MAX, _TOGETHER_BYTES = 8, 4 << 20


class DeviceLoader(EpochLoader):
    """Batches from a set that lies on the device whole, as stored: a byte of an image stays a byte.

    A batch is gathered, converted, normalised and augmented as a whole; nothing runs row by row in Python, and no worker process is needed.
    Small batches are made a few at a time and handed out as slices, up to 4 MiB of images: memory returns when all of them are dropped.

    Args:
        dataset: what ``open_dataset`` returned.
        batch_size: rows of a batch, at least 1.
        split: ``"train"``, ``"val"`` or ``"test"``; None for all rows.
        rows: row numbers in place of a split.
        fields: names to load; None for all but text.
        device: None takes CUDA where there is one.
        shuffle: a new order each epoch, drawn on the device; otherwise the rows' own.
        seed: decides order and augmentation.
        drop_last: leave out a last batch that is not full.
        normalise: means and deviations of ``img``, an entry for each channel or one for all, intensity 0..1.
        dtype: floating dtype of images.
        augmentation: None for none.

    Returns:
        Iteration gives dicts: ``img`` floating ``[B, C, H, W]``, ``(img / 255 − mean) / std``; other images 0..1; labels int64; coordinates
        as the reader hands them out; ``row`` int64 ``[B]``, each row's number in the table (for names, say).

    Raises:
        ValueError, TypeError, IndexError: arguments that do not fit; see ``selection``, ``assembly`` and ``augment``.
        DataFileError: what the reader finds wrong with the file.

    Randomness:
        Order from ``(seed, epoch)``, augmentation from ``(seed, epoch, batches made at once)``, on the device: equal on every machine with
        the same kind of device and version of PyTorch, and resumable by ``state_dict``.

    Example:
        >>> icons = open_dataset("icons")  # doctest: +SKIP
        >>> loader = DeviceLoader(icons, 64, split="train", fields=["img", "polygon"], seed=1)  # doctest: +SKIP
        >>> for batch in loader:  # doctest: +SKIP
        ...     loss = criterion(model(batch["img"]), batch["polygon"])
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
    ) -> None:
        self.info = chosen_fields(dataset, fields)
        self._recipe = make_recipe(self.info, normalise, dtype, augmentation)
        self.device = default_device(device)
        chosen = chosen_rows(dataset, split, rows)
        super().__init__(len(chosen), batch_size, seed=seed, shuffle=shuffle, drop_last=drop_last)
        self._rows_digest = digest(chosen)
        whole = len(chosen) == len(dataset) and bool((chosen == np.arange(len(dataset))).all())
        self._stored: dict[str, Tensor] = {}
        for name in self.info:
            # rows of their own: a gather through two indices would read twice.
            values = dataset.read(name, slice(None) if whole else chosen)
            self._stored[name] = torch.from_numpy(values).to(self.device)
        self._rows = torch.from_numpy(chosen).to(self.device)
        self._together = self._batches_together()

    def stored_bytes(self) -> int:
        """Bytes that the set takes on the device."""
        return sum(tensor.numel() * tensor.element_size() for tensor in (*self._stored.values(), self._rows))

    def _batches_together(self) -> int:
        """Neighbouring batches that are made at once: small ones cost more in calls than in pixels."""
        floats = sum(int(np.prod(info.shape)) for info in self.info.values() if info.role == "image")
        batch_bytes = max(1, self.batch_size * floats * self._recipe.dtype.itemsize)
        return max(1, min(_TOGETHER_MAX, _TOGETHER_BYTES // batch_bytes))

    def _made_with(self) -> dict[str, object]:
        return {**super()._made_with(), "rows": self._rows_digest}

    def _batches(self, epoch: int, first: int) -> Iterator[dict[str, Tensor]]:
        order = None
        if self.shuffle:
            order = torch.randperm(self.count, generator=seeded(self.device, _ORDER, self.seed, epoch), device=self.device)
        together = self._together
        last = min(self.count, len(self) * self.batch_size)
        for group in range(first // together, -(-len(self) // together)):
            start, stop = group * together * self.batch_size, min((group + 1) * together * self.batch_size, last)
            if order is None:
                # copies, as a gather would be: a batch may be written into.
                gathered = {name: tensor[start:stop].clone() for name, tensor in self._stored.items()}
                row = self._rows[start:stop].clone()
            else:
                index = order[start:stop]
                gathered = {name: tensor.index_select(0, index) for name, tensor in self._stored.items()}
                row = self._rows.index_select(0, index)
            made = finish_batch(gathered, row, self._recipe, self.device, self.seed, epoch, group)
            for number in range(max(first, group * together), min((group + 1) * together, len(self))):
                begin = number * self.batch_size - start
                yield {name: tensor[begin : begin + self.batch_size] for name, tensor in made.items()}


def finish_batch(gathered, row: Tensor, recipe, device: torch.device, seed: int, epoch: int, number: int) -> dict[str, Tensor]:
    """Convert, normalise and augment one batch's rows with the generator of that batch."""
    generator = None if recipe.augmentation is None else seeded(device, _AUGMENT, seed, epoch, number)
    batch = assemble(gathered, recipe, generator)
    batch["row"] = row
    return batch


def default_device(device: torch.device | str | None) -> torch.device:
    """``device`` itself, or CUDA where there is one."""
    if device is None:
        return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    return torch.device(device)


def digest(rows: np.ndarray) -> str:
    """A short name for a selection of rows."""
    return hashlib.blake2b(np.ascontiguousarray(rows).tobytes(), digest_size=8).hexdigest()
