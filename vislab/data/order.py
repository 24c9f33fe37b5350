"""The order of batches: seeded, the same on every run, and resumable in the middle of an epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

_STATE_VERSION = 1


def mixed_seed(*numbers: int) -> int:
    """Mix whole numbers into one seed below 2**63; neighbouring numbers give unrelated seeds."""
    digest = hashlib.blake2b(",".join(map(str, numbers)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def seeded(device: torch.device, *numbers: int) -> torch.Generator:
    """A generator on ``device``, seeded with ``mixed_seed(*numbers)``."""
    return torch.Generator(device).manual_seed(mixed_seed(*numbers))


class EpochLoader:
    """What both loaders share: how many batches, which one is next, and what is saved.

    A batch is a function of (seed, epoch, number of the batch) alone; so the state is three whole numbers, and a loader that loads it gives
    the very batches that the saved one would have given next.

    ``for batch in loader`` runs one epoch; the next ``for`` runs the next one. A loop that is left early starts its epoch anew, unless the
    state was loaded in between.
    """

    def __init__(self, count: int, batch_size: int, *, seed: int, shuffle: bool, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size {batch_size!r} must be a whole number of at least 1")
        if count == 0:
            raise ValueError("there are no rows to load; choose another split, or pass rows that are not empty")
        if drop_last and count < batch_size:
            raise ValueError(
                f"drop_last leaves nothing of {count} rows in batches of {batch_size}; lower batch_size or keep the last batch"
            )
        self.batch_size, self.seed, self.shuffle, self.drop_last = batch_size, seed, shuffle, drop_last
        self._count = count
        self._epoch = 0
        self._next = 0
        self._resumed = False

    @property
    def epoch(self) -> int:
        """Number of the epoch that is running or comes next, counted from 0."""
        return self._epoch

    @property
    def count(self) -> int:
        """Rows of an epoch, before the last batch is dropped."""
        return self._count

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._count // self.batch_size if self.drop_last else -(-self._count // self.batch_size)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        first = self._next if self._resumed else 0
        self._resumed, self._next = False, first
        return self._run(self._epoch, first)

    def state_dict(self) -> dict[str, object]:
        """Where the loader stands: load it into a loader made with the same arguments, and the batches that have not come yet come."""
        return {"version": _STATE_VERSION, "epoch": self._epoch, "batch": self._next, **self._made_with()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue where ``state`` was taken; the next ``for`` gives the rest of that epoch.

        Raises:
            ValueError: a state of another version, or of a loader made with other arguments.
        """
        wanted = {"version": _STATE_VERSION, **self._made_with()}
        for name, value in wanted.items():
            if state.get(name) != value:
                raise ValueError(
                    f"state[{name!r}] is {state.get(name)!r}; this loader has {value!r}; make the loader with the arguments of then"
                )
        epoch, batch = state.get("epoch"), state.get("batch")
        if not isinstance(epoch, int) or not isinstance(batch, int) or epoch < 0 or not 0 <= batch <= len(self):
            raise ValueError(f"state holds epoch {epoch!r} and batch {batch!r}; they must be whole, at least 0, batch at most {len(self)}")
        # taken after the last batch of an epoch: what comes next is the next epoch.
        self._epoch, self._next = (epoch + 1, 0) if batch == len(self) else (epoch, batch)
        self._resumed = True

    def _made_with(self) -> dict[str, object]:
        return {
            "seed": self.seed,
            "count": self._count,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
        }

    def _run(self, epoch: int, first: int) -> Iterator[dict[str, Tensor]]:
        for number, batch in enumerate(self._batches(epoch, first), first):
            self._epoch, self._next = epoch, number + 1
            yield batch
        self._epoch, self._next = epoch + 1, 0

    def _batches(self, epoch: int, first: int) -> Iterator[dict[str, Tensor]]:
        raise NotImplementedError
