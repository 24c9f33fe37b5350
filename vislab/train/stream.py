"""Batches without end from something that ends, and the place in it to come back to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from vislab.train.state import random_states, set_random_states


class BatchStream:
    """Hands out batches, pass after pass, on the model's device.

    To come back to a place in the middle of a pass, a loader's own ``state_dict`` and ``load_state_dict`` are used where it has both.
    Any other iterable is started from the generators as they were at the start of that pass, and the batches already taken are skipped: it
    gives the same batches where its order comes from PyTorch's generator or a named one, or from no generator at all.

    Args:
        batches: iterable of dicts of tensors; more passes than one need something that can be iterated again.
        generators: the named generators that a run draws from.
        device: where tensors go.
    """

    def __init__(self, batches: Iterable[Mapping[str, Any]], generators: dict[str, torch.Generator], device: torch.device) -> None:
        if isinstance(batches, Mapping) or not isinstance(batches, Iterable):
            raise TypeError(
                f"batches is {type(batches).__name__}; it must be an iterable of dicts of tensors; put one batch into a list: [batch]"
            )
        self._batches, self._generators, self._device = batches, generators, device
        self._iterator: Iterator[Mapping[str, Any]] | None = None
        self._start: dict[str, Any] | None = None
        self._resumed = False
        self.passes, self.taken = 0, 0

    def take(self) -> dict[str, Any]:
        """Return the next batch.

        Raises:
            ValueError: batches that are empty, or ran out and cannot be iterated again.
            TypeError: a batch that is no dict.
        """
        while True:
            if self._iterator is None:
                self._start = random_states(self._generators, self._device)
                self._iterator = iter(self._batches)
            batch = next(self._iterator, None)
            if batch is not None:
                self.taken += 1
                self._resumed = False
                return self._moved(batch)
            if self.taken == 0 and not self._resumed:
                raise ValueError(
                    "batches is empty: a pass over it gave 0 batches; it must give at least 1; is drop_last larger than the set?"
                )
            if self._iterator is self._batches:
                raise ValueError(
                    f"batches ran out after {self.taken} batches and cannot be iterated again; pass a list or a loader rather than a "
                    "generator, or ask for fewer steps"
                )
            self._iterator, self._resumed = None, False
            self.passes, self.taken = self.passes + 1, 0

    def state(self) -> dict[str, Any]:
        """Return the place in the batches."""
        own = self._batches.state_dict() if self._keeps_its_place() else None  # type: ignore[attr-defined]
        return {"passes": self.passes, "taken": self.taken, "start": self._start, "loader": own}

    def load(self, state: dict[str, Any]) -> None:
        """Go to a place that ``state`` returned; the generators are left where the batches put them.

        Raises:
            ValueError: batches that give fewer than were taken then, or a loader that keeps its place and did not then, or the reverse.
        """
        if (state["loader"] is not None) != self._keeps_its_place():
            had, has = ("did", "does not") if state["loader"] is not None else ("did not", "does")
            raise ValueError(
                f"the checkpoint's loader {had} keep its own place (state_dict) and this one {has}; resume with the same loader"
            )
        self.passes, self.taken, self._iterator, self._resumed = state["passes"], state["taken"], None, True
        if state["loader"] is not None:
            self._batches.load_state_dict(state["loader"])  # type: ignore[attr-defined]
            # started here rather than at the next batch, so that what it draws at its start is drawn before the generators are put back.
            self._iterator = iter(self._batches)
            return
        if state["start"] is None:
            return
        self._start = state["start"]
        set_random_states(state["start"], self._generators, self._device)
        self._iterator = iter(self._batches)
        for skipped in range(self.taken):
            if next(self._iterator, None) is None:
                raise ValueError(
                    f"batches gave {skipped} batches where the checkpoint had taken {self.taken}; resume with the same batches"
                )

    def _keeps_its_place(self) -> bool:
        return all(callable(getattr(self._batches, name, None)) for name in ("state_dict", "load_state_dict"))

    def _moved(self, batch: Any) -> dict[str, Any]:
        if not isinstance(batch, Mapping):
            raise TypeError(
                f"a batch is {type(batch).__name__}; it must be a dict of tensors such as {{'img': images, 'label': labels}}; "
                "let the loader's collate_fn name its parts"
            )
        return {name: value.to(self._device, non_blocking=True) if isinstance(value, Tensor) else value for name, value in batch.items()}
