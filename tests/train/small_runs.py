"""Small models, losses and loaders that runs are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

Batch = dict[str, Any]


def line_batches(count: int = 5, size: int = 4) -> list[Batch]:
    """Batches of y = x · w, all different."""
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(count, size, 3, generator=generator)
    return [{"x": part, "y": part @ torch.tensor([1.0, -2.0, 0.5])} for part in x]


def net(seed: int = 1, dropout: float = 0.3) -> nn.Sequential:
    """A small net with everything that has state: batch norm's averages, dropout's draws."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 1))


def squared(model: nn.Module, batch: Batch) -> Tensor:
    return (model(batch["x"])[:, 0] - batch["y"]).square().mean()


def adam(model: nn.Module, lr: float = 0.05) -> torch.optim.Adam:
    return torch.optim.Adam(model.parameters(), lr=lr)


def weights_equal(one: nn.Module, other: nn.Module) -> bool:
    """Whether two models hold the same bits."""
    ours, theirs = one.state_dict(), other.state_dict()
    return list(ours) == list(theirs) and all(torch.equal(ours[name], theirs[name]) for name in ours)


class Crash(Exception):
    """The machine stops."""


def crashing_at(step: int, loss: Any = squared, error: type[BaseException] = Crash) -> Any:
    """Return a loss that raises when it is asked for the ``step``-th time."""
    asked = 0

    def crashing(model: nn.Module, batch: Batch) -> Tensor:
        nonlocal asked
        asked += 1
        if asked == step:
            raise error
        return loss(model, batch)

    return crashing


class PlaceKeeper:
    """A loader with a shuffle of its own that keeps its place, as vislab.data's loaders do."""

    def __init__(self, batches: list[Batch], seed: int) -> None:
        self.batches, self.generator = batches, torch.Generator().manual_seed(seed)
        self.order, self.place = [], 0
        self.resumed = False
        self.handed_out = 0

    def __iter__(self) -> Iterator[Batch]:
        # as torch's DataLoader does, a pass draws from PyTorch's own generator when it starts.
        torch.randint(2**31, ())
        if not self.resumed:
            self.order, self.place = torch.randperm(len(self.batches), generator=self.generator).tolist(), 0
        self.resumed = False
        return self.rest()

    def rest(self) -> Iterator[Batch]:
        while self.place < len(self.order):
            self.place += 1
            self.handed_out += 1
            yield self.batches[self.order[self.place - 1]]

    def state_dict(self) -> dict[str, Any]:
        return {"order": list(self.order), "place": self.place, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.order, self.place, self.resumed = list(state["order"]), state["place"], True
        self.generator.set_state(state["generator"])
