"""What the student's own process can see of a call: changed inputs, moved generators, forbidden operations."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


class Tripped(RuntimeError):
    """A ready solution of the exercise was called while the exercise was being checked."""


def seed_generators(seed: int) -> None:
    """Seed torch's, numpy's and Python's global generators."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def generator_state() -> tuple[Any, ...]:
    """Return a comparable state of the three global generators."""
    legacy = np.random.get_state(legacy=False)
    return (torch.get_rng_state().numpy().tobytes(), repr(legacy), legacy["state"]["key"].tobytes(), random.getstate())


def same_values(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Return whether two tensors hold the same values, NaN equal to NaN."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    equal = first == second
    if first.is_floating_point():
        equal = equal | (torch.isnan(first) & torch.isnan(second))
    return bool(equal.all())


class _FunctionTrace(TorchFunctionMode):
    def __init__(self, names: Sequence[str], seen: set[str]) -> None:
        super().__init__()
        # torch.argmax and Tensor.argmax are two objects with one name: the last part decides.
        self.short = {name.rsplit(".", 1)[-1]: name for name in names if "::" not in name}
        self.seen = seen

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = self.short.get(getattr(func, "__name__", ""))
        if name:
            self.seen.add(name)
        return func(*args, **(kwargs or {}))


class _DispatchTrace(TorchDispatchMode):
    def __init__(self, names: Sequence[str], seen: set[str]) -> None:
        super().__init__()
        self.names = {name for name in names if "::" in name}
        self.seen = seen

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        schema = getattr(func, "_schema", None)
        if schema is not None and schema.name in self.names:
            self.seen.add(schema.name)
        return func(*args, **(kwargs or {}))


@contextmanager
def traced(forbidden: Sequence[str], seen: set[str]) -> Iterator[None]:
    """Record which of the ``forbidden`` operations run inside the block, whatever alias, ``getattr`` or ``exec`` they come by.

    Args:
        forbidden: dotted public names (``torch.argmax``) or dispatcher names (``aten::argmax``).
        seen: receives the names that ran.
    """
    if not forbidden:
        yield
        return
    dispatch = any("::" in name for name in forbidden)
    with _FunctionTrace(forbidden, seen):
        if dispatch:
            with _DispatchTrace(forbidden, seen):
                yield
        else:
            yield


@contextmanager
def tripwires(names: Sequence[str], tripped: set[str]) -> Iterator[None]:
    """Replace ready solutions by a stub that raises ``Tripped``, inside the block.

    Args:
        names: dotted names ``package.module.attribute``; names that cannot be imported are skipped.
        tripped: receives the names that were called.
    """
    replaced: list[tuple[Any, str, Any]] = []
    try:
        for name in names:
            module_name, _, attribute = name.rpartition(".")
            try:
                module = importlib.import_module(module_name)
                original = getattr(module, attribute)
            except (ImportError, AttributeError):
                continue
            replaced.append((module, attribute, original))
            setattr(module, attribute, _stub(name, tripped))
        yield
    finally:
        for module, attribute, original in reversed(replaced):
            setattr(module, attribute, original)


def _stub(name: str, tripped: set[str]):
    def ready_solution(*args: Any, **kwargs: Any) -> Any:
        tripped.add(name)
        raise Tripped(f"{name} is the ready solution of this exercise; write your own")

    return ready_solution
