"""What the student's own process can see of a call: changed inputs, moved generators, forbidden operations."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from vislab.check.failures import Tripped


@cache
def _has_accelerator() -> bool:
    # torch before 2.6 has nobody to ask.
    return not hasattr(torch, "accelerator") or torch.accelerator.is_available()


def seed_generators(seed: int) -> None:
    """Seed torch's, numpy's and Python's global generators."""
    if _has_accelerator():
        torch.manual_seed(seed)
    else:
        # torch.manual_seed writes down the stack for each kind of device that is not there: a third of a millisecond in every case.
        torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def generator_state() -> tuple[Any, ...]:
    """Return a comparable state of the three global generators."""
    return (torch.get_rng_state().numpy().tobytes(), _frozen(np.random.get_state(legacy=False)), random.getstate())


def _frozen(state: Any) -> Any:
    # numpy's state is a dictionary whose form depends on the bit generator; arrays do not compare to one truth value.
    if isinstance(state, dict):
        return tuple((name, _frozen(value)) for name, value in state.items())
    return state.tobytes() if isinstance(state, np.ndarray) else state


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
        self.short = {name.rsplit(".", 1)[-1].strip("_"): name for name in names if "::" not in name}
        self.seen = seen

    def __torch_function__(self, func, types, args=(), kwargs=None):
        # x.relu_(), torch._softmax and x.__matmul__ are the same operations as without the underscores.
        name = self.short.get(getattr(func, "__name__", "").strip("_"))
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
    """Make ready solutions raise ``Tripped`` inside the block, by whatever name they were imported before.

    Args:
        names: dotted names ``package.module.attribute``; names that cannot be imported are skipped.
        tripped: receives the names that were called.
    """
    undo: list[Callable[[], object]] = []
    replaced: set[int] = set()
    built_in: dict[BuiltinFunctionType, str] = {}
    try:
        for name in names:
            module_name, _, attribute = name.rpartition(".")
            try:
                module = importlib.import_module(module_name)
                original = getattr(module, attribute)
            except (ImportError, AttributeError):
                continue
            _ARMED[name] = tripped
            undo.append(partial(_ARMED.pop, name, None))
            # "from … import" in an earlier cell holds the function object itself: its body is replaced, wherever it is called from.
            # A closure's body cannot be; there, as for anything that is no Python function, the name alone is replaced, and calls
            # of torch's own built-in functions are watched for as well.
            if isinstance(original, FunctionType) and not original.__code__.co_freevars:
                if id(original) not in replaced:
                    replaced.add(id(original))
                    undo.append(partial(setattr, original, "__code__", original.__code__))
                    original.__code__ = _stub_code(name)
            else:
                undo.append(partial(setattr, module, attribute, original))
                setattr(module, attribute, partial(spring, name))
                if isinstance(original, BuiltinFunctionType):
                    built_in.setdefault(original, name)
        with _BuiltInWires(built_in) if built_in else nullcontext():
            yield
    finally:
        for step in reversed(undo):
            step()


class _BuiltInWires(TorchFunctionMode):
    def __init__(self, names: dict[BuiltinFunctionType, str]) -> None:
        super().__init__()
        self.names = names

    def __torch_function__(self, func, types, args=(), kwargs=None):
        # torch hands over the function itself, by whatever name it was called.
        if isinstance(func, BuiltinFunctionType) and (name := self.names.get(func)):
            spring(name)
        return func(*args, **(kwargs or {}))


_ARMED: dict[str, set[str]] = {}


def spring(name: str, *args: Any, **kwargs: Any) -> None:
    """Note that a ready solution was called, and refuse.

    Raises:
        Tripped: always.
    """
    _ARMED.get(name, set()).add(name)
    raise Tripped(f"{name} is the ready solution of this exercise; write your own")


def _ready_solution(*args: Any, **kwargs: Any) -> None:
    # runs with another module's globals: everything it needs is imported here.
    from vislab.check.observe import spring

    spring("NAME", *args, **kwargs)


def _stub_code(name: str) -> CodeType:
    code = _ready_solution.__code__
    return code.replace(co_consts=tuple(name if constant == "NAME" else constant for constant in code.co_consts))
