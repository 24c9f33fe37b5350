"""Classes and functions that an exercise hands to the student's side: by their name in ``vislab``, or as source text."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional


def load_shipped(spec: Mapping[str, str]) -> Any:
    """Return the class or function that a plan names.

    Args:
        spec: ``{"name": "vislab.models.gan.Critic", "source": ""}`` for one of vislab's own, or ``{"name": "Critic", "source": TEXT}``
            where the text defines it, with no other names than ``torch``, ``nn``, ``F`` and Python's own.

    Raises:
        ValueError: a dotted name outside ``vislab``, or a text that does not define the name.
    """
    name, source = spec["name"], spec["source"]
    if source:
        scope: dict[str, Any] = {"torch": torch, "nn": nn, "F": functional, "Tensor": torch.Tensor, "__name__": "vislab_shipped"}
        exec(compile(source, f"<{name}>", "exec"), scope)  # the text comes with the assignment, as the notebook does
        if name not in scope:
            raise ValueError(f"shipped source must define {name!r}; it defines {sorted(set(scope) - _GIVEN)}")
        return scope[name]
    module, _, attribute = name.rpartition(".")
    if module != "vislab" and not module.startswith("vislab."):
        raise ValueError(f"shipped name {name!r} must lie in vislab; ship its source instead")
    return getattr(importlib.import_module(module), attribute)


_GIVEN = frozenset({"torch", "nn", "F", "Tensor", "__name__", "__builtins__"})
