"""Classes and functions that travel to the student's side, so that both sides compute with the same ones."""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from vislab.check.shipped import load_shipped


def ship(thing: Callable[..., Any]) -> dict[str, str]:
    """Return how the student's side finds a class or function: its name in ``vislab``, or its own source text.

    Only this one definition travels, with nothing around it: it may use ``torch``, ``nn``, ``F``, ``Tensor`` and Python's own names.

    Raises:
        ValueError: it lies in no file, or cannot be defined by its text alone.
    """
    return dict(_shipped(thing))


# a step is carried out some twenty times for one case, and its nets do not change.
@functools.cache
def _shipped(thing: Any) -> dict[str, str]:
    if thing.__module__.split(".")[0] == "vislab":
        return {"name": f"{thing.__module__}.{thing.__qualname__}", "source": ""}
    name = thing.__name__
    if not name.isidentifier():
        raise ValueError(f"{name} has no name of its own; define it in the exercise's module, by class or def")
    try:
        source = textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError) as error:
        raise ValueError(f"the source of {name!r} cannot be read ({error}); define it in the exercise's module, by class or def") from error
    spec = {"name": name, "source": source}
    try:
        load_shipped(spec)
    except Exception as error:
        raise ValueError(
            f"{name!r} cannot be defined by its own text ({type(error).__name__}: {error}); use torch, nn, F and Tensor alone in it,"
            " and no decorator or base class of your own"
        ) from error
    return spec
