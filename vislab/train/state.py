"""Nested state (dicts, lists, numbers, tensors) as JSON and named tensors, and back without loss."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

# a dict with this key is one of ours; a dict of the caller's that holds it is written as pairs.
_TAG = "$"


def pack(tree: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    """Turn state into what JSON can say; tensors go into ``tensors`` under the names that stand in their place.

    Args:
        tree: tensors, None, bool, int, float, str, and dicts, lists and tuples of these.
        place: where ``tree`` hangs, for names and messages.
        tensors: filled with copies on the CPU.

    Returns:
        A value for ``json.dumps``. Tuples, keys that are no strings, NaN and infinity are tagged, since JSON has none of them.

    Raises:
        TypeError: anything else, named by its place.

    Example:
        >>> pack({"betas": (0.9, 0.99)}, "adam", {})
        {'betas': {'$': 'tuple', 'items': [0.9, 0.99]}}
    """
    if isinstance(tree, Tensor):
        name = place
        while name in tensors:
            name += "'"
        # a clone: safetensors refuses two names for one memory, as tied weights have.
        tensors[name] = tree.detach().to("cpu", copy=True).contiguous()
        return {_TAG: "tensor", "name": name}
    if isinstance(tree, dict):
        pairs = [(key, pack(value, f"{place}/{key}", tensors)) for key, value in tree.items()]
        if all(isinstance(key, str) and key != _TAG for key, _ in pairs):
            return dict(pairs)
        return {_TAG: "dict", "items": [[pack(key, f"{place}/key", tensors), value] for key, value in pairs]}
    if isinstance(tree, list | tuple):
        items = [pack(value, f"{place}/{index}", tensors) for index, value in enumerate(tree)]
        return items if isinstance(tree, list) else {_TAG: "tuple", "items": items}
    if isinstance(tree, float) and not math.isfinite(tree):
        return {_TAG: "float", "value": repr(float(tree))}
    if tree is None or type(tree) in (bool, int, float, str):
        return tree
    raise TypeError(
        f"{place} is {type(tree).__name__}; a checkpoint holds tensors, numbers, texts, and dicts, lists and tuples of these; "
        "convert it in state_dict(), an array with torch.as_tensor(...)"
    )


def unpack(packed: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo ``pack``.

    Returns:
        The state; tensors lie on the CPU.

    Raises:
        KeyError: a tensor that is not in ``tensors``.

    Example:
        >>> unpack(pack({1: (torch.tensor(2.0), float("inf"))}, "x", box := {}), box)
        {1: (tensor(2.), inf)}
    """
    if isinstance(packed, list):
        return [unpack(value, tensors) for value in packed]
    if not isinstance(packed, dict):
        return packed
    kind = packed.get(_TAG)
    if kind == "tensor":
        return tensors[packed["name"]]
    if kind == "tuple":
        return tuple(unpack(value, tensors) for value in packed["items"])
    if kind == "dict":
        return {unpack(key, tensors): unpack(value, tensors) for key, value in packed["items"]}
    if kind == "float":
        return float(packed["value"])
    return {key: unpack(value, tensors) for key, value in packed.items()}


def random_states(generators: dict[str, torch.Generator], device: torch.device) -> dict[str, Any]:
    """Return where every generator of a run stands: PyTorch's own and the named ones."""
    states: dict[str, Any] = {"cpu": torch.get_rng_state(), "named": {name: one.get_state() for name, one in generators.items()}}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def set_random_states(states: dict[str, Any], generators: dict[str, torch.Generator], device: torch.device) -> None:
    """Put every generator back to where ``random_states`` found it."""
    torch.set_rng_state(states["cpu"])
    for name, one in generators.items():
        one.set_state(states["named"][name])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
